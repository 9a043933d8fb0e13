import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FRAME_BYTES, SCHEMA_ID, avroType, fenceCodec, tickCodec } from '../../schemas/avro.ts'
import { RULES } from '../../schemas/since.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { UsageModel } from '../../services/verify/usage/model.ts'
import { AggregatorLog, ID_KEY } from '../../test/support/records/aggregator-log.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import type { TaskLog } from '../../test/support/records/task-log.ts'
import { idKeyFingerprint } from '../dedupe/id-hash.ts'
import type { LogRecord } from './records.ts'
import { isTick, tickFor } from './tick.ts'

const AT_MS = 1_700_000_000_000
const WHOLE = tickCodec.encode({ written_by: 'somebody' })

function record(offset: number, key: string | null, value: Buffer): LogRecord {
  const keyBytes = key === null ? null : Buffer.from(key)
  return { partition: 0, offset: BigInt(offset), timestampMs: AT_MS, key: keyBytes, value, headers: {} }
}

/** Everything that has a tick's schema id and is not a tick. */
const NO_TICKS: readonly LogRecord[] = [
  record(0, null, WHOLE),
  record(1, 'node-1', WHOLE),
  record(2, '!tick ', WHOLE),
  record(3, '!tick', WHOLE.subarray(0, -1)),
  record(4, '!tick', WHOLE.subarray(0, FRAME_BYTES)),
  record(5, '!tick', Buffer.concat([WHOLE, Buffer.from([0])])),
  record(6, null, Buffer.concat([WHOLE.subarray(0, FRAME_BYTES), Buffer.alloc(900, 7)])),
]
const TICK = record(7, '!tick', WHOLE)

/** The newest task record of a log, as an earlier version wrote it. */
function asBefore(log: TaskLog, file: string, schemaId: number, fields: object): void {
  const frame = Buffer.alloc(FRAME_BYTES)
  frame.writeUInt32BE(schemaId, 1)
  const value = Buffer.concat([frame, avroType(file).toBuffer(fields)])
  log.stateRecords = [
    { ...record(0, '!fence', fenceCodec.encode({ instance: 'before' })) },
    { ...record(1, '!task', value) },
  ]
  log.restart()
}

describe('a tick', () => {
  it('has its key and decodes whole; by the rules of before its schema id was enough', () => {
    const { key, value } = tickFor(3, 'somebody')
    assert.equal(isTick(record(0, key, value as Buffer), RULES), true)
    for (const other of NO_TICKS) {
      assert.equal(isTick(other, RULES), false)
      assert.equal(isTick(other, 0), true)
    }
    assert.equal(isTick(record(0, '!tick', fenceCodec.encode({ instance: 'x' })), 0), false)
  })

  it('and nothing else with its schema id vanishes: each is a letter of either topic, and verify says the same', async () => {
    const input = [...NO_TICKS, TICK]
    const expected = NO_TICKS.map(({ offset }) => [offset, ['malformed']])
    for (const log of [new AggregatorLog({ input }), new SettlerLog(input)]) {
      await log.run()
      const letters = log.rows('dead_letters').map(({ record_offset, reasons }) => [record_offset, reasons])
      assert.deepEqual(letters, expected)
    }
    const since = [{ rules: RULES, offset: 0 }]
    const usage = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
    const account = AccountModel.fromZero()
    account.since = since
    const setAside = input.filter((one) => usage.apply(one).setAside !== null)
    for (const one of input) account.apply(one)
    assert.deepEqual(setAside, NO_TICKS)
    assert.deepEqual(
      account.setAside.map((letter) => letter.record),
      NO_TICKS,
    )
  })
})

describe('a log that a version of before has read', () => {
  const before = {
    position: 3,
    next_seq: 1,
    watermark: 0,
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
  }

  it('goes on by these rules from its position on, which the first transaction writes down, for good', async () => {
    const usage = new AggregatorLog({ input: NO_TICKS })
    asBefore(usage, 'aggregator-task.v2', SCHEMA_ID.aggregatorTaskV2, {
      ...before,
      id_key_fingerprint: idKeyFingerprint(ID_KEY),
      low: null,
      evicted_seq: 0,
      models_version: 0,
      models: [],
    })
    const accounts = new SettlerLog(NO_TICKS)
    const handed = { now: 0, handed_offset: 0, handed_index: 0, rules: null }
    asBefore(accounts, 'settler-task.v3', SCHEMA_ID.settlerTaskV3, { ...before, ...handed })
    for (const log of [usage, accounts]) {
      assert.equal(log.position, 3n)
      await log.step(2)
      assert.deepEqual(
        log.task()?.since.map(({ rules, offset }) => [rules, offset]),
        [[RULES, 3]],
      )
      log.restart()
      await log.run()
      assert.deepEqual(
        log.task()?.since.map(({ rules, offset }) => [rules, offset]),
        [[RULES, 3]],
      )
      const letters = log.rows('dead_letters').map(({ record_offset }) => Number(record_offset))
      assert.deepEqual(letters, [3, 4, 5, 6])
    }
  })

  it('is judged by verify as it was judged', () => {
    const since = [{ rules: RULES, offset: 3 }]
    const usage = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
    const setAside = NO_TICKS.filter((one) => usage.apply(one).setAside !== null)
    assert.deepEqual(
      setAside.map(({ offset }) => offset),
      [3n, 4n, 5n, 6n],
    )
  })
})
