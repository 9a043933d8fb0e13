import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCHEMA_ID } from '../../schemas/avro.ts'
import { UsageModel } from '../../services/verify/usage/model.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import type { LogRecord } from '../log/records.ts'

const AT_MS = 1_700_000_000_000

/** A batch that cannot be unpacked, whose bytes look like a frame of any schema. */
function unreadable(offset: number, lastOffset: number, schemaId: number): LogRecord {
  const value = Buffer.alloc(61, 3)
  value[0] = 0
  value.writeUInt32BE(schemaId, 1)
  const mark = { reason: 'it unpacks to more than 64 MiB', lastOffset: BigInt(lastOffset) }
  return {
    partition: 0,
    offset: BigInt(offset),
    timestampMs: AT_MS,
    key: null,
    value,
    headers: {},
    unreadable: mark,
  }
}

const event = (id: number) => usageEvent({ event_id: eventId(id), occurred_at: AT_MS })

test('a batch that cannot be unpacked is one letter of usage.metered, whatever its bytes look like; verify says the same', async () => {
  for (const schemaId of Object.values(SCHEMA_ID)) {
    const input = [
      usageRecord(0, AT_MS, [event(1)]),
      unreadable(1, 7, schemaId),
      usageRecord(8, AT_MS, [event(2)]),
    ]
    const log = new AggregatorLog({ input })
    await log.run()
    const [letter, ...others] = log.rows('dead_letters')
    assert.equal(others.length, 0)
    assert.deepEqual([letter?.['reasons'], letter?.['indexes']], [['cannot_be_unpacked'], [-1]])
    assert.match(String(letter?.['details']), /offsets 1 to 7 cannot be unpacked: it unpacks to more/)
    assert.equal(letter?.['value'], input[1]?.value?.toString('latin1'))
    assert.equal(log.rows('usage_events').length, 2)
    assert.equal(log.task()?.position, 9)
    const since = log.task()?.since ?? []
    const model = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
    const outcomes = input.map((record) => model.apply(record))
    assert.deepEqual(outcomes[1]?.setAside?.reasons, [{ index: -1, reason: 'cannot_be_unpacked' }])
    assert.equal(outcomes.flatMap(({ counted }) => counted).length, 2)
  }
})

test('and one letter of account.inbox', async () => {
  for (const schemaId of Object.values(SCHEMA_ID)) {
    const input = [unreadable(0, 7, schemaId)]
    const log = new SettlerLog(input)
    await log.run()
    assert.deepEqual(
      log.rows('dead_letters').map(({ reasons }) => reasons),
      [['cannot_be_unpacked']],
    )
    assert.equal(log.task()?.position, 1)
    const model = AccountModel.fromZero()
    for (const record of input) model.apply(record)
    assert.deepEqual(
      model.setAside.map(({ reasons }) => reasons),
      [[{ index: -1, reason: 'cannot_be_unpacked' }]],
    )
  }
})
