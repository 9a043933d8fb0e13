import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelsCodec, tickCodec } from '../../schemas/avro.ts'
import { AggregatorLog, usageRecord } from '../../test/support/records/aggregator-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import { HaltError } from '../log/records.ts'
import { UndecidedError } from '../task/undecided.ts'
import { OutsideError } from '../log/outside.ts'

const AT_MS = 1_700_000_000_000
const COST = 290_000_000

const event = (id: number) => usageEvent({ event_id: eventId(id), occurred_at: AT_MS, cost_nano_usd: COST })
const nameOf = (id: number): string => `node-1/${eventId(id).toString('hex')}`

/** A log whose rules fail at these events. */
function failingAt(
  ids: readonly number[],
  input: ConstructorParameters<typeof AggregatorLog>[0] = {},
): AggregatorLog {
  const names = new Set(ids.map(nameOf))
  return new AggregatorLog({
    ...input,
    decidePoint: (name) => {
      if (names.has(name)) throw new RangeError('no long')
    },
  })
}

test('decide names the event that it fails at', async () => {
  const log = failingAt([3], {
    input: [usageRecord(0, AT_MS, [event(1)]), usageRecord(6, AT_MS, [event(2), event(3)])],
  })
  await assert.rejects(log.step(9), (error) => {
    assert.ok(error instanceof UndecidedError)
    assert.deepEqual([error.offset, error.index, error.message], [6n, 1, 'no long'])
    return true
  })
})

test('an event set aside is a letter of its record; the others of the record count, and are handed over', async () => {
  const input = [usageRecord(0, AT_MS, [event(1), event(3), event(2)]), usageRecord(1, AT_MS, [event(3)])]
  const log = failingAt([3], { input })
  await log.step(9, 'commit', [
    { offset: 0n, index: 1, detail: 'no long' },
    { offset: 1n, index: 0, detail: 'no long' },
  ])
  const letters = log.rows('dead_letters')
  assert.deepEqual(
    letters.map(({ record_offset, reasons, indexes, details }) => [record_offset, reasons, indexes, details]),
    [
      [0n, ['cannot_be_decided'], [1], ['no long']],
      [1n, ['cannot_be_decided'], [0], ['no long']],
    ],
  )
  assert.equal(letters[0]?.['value'], input[0]?.value?.toString('latin1'))
  assert.equal(log.rows('usage_events').length, 2)
  assert.equal(log.inbox().flatMap(({ entries }) => entries).length, 2)
  assert.equal(log.task()?.position, 2)
})

test('what was set aside counts when it comes again and can be decided', async () => {
  let isBroken = true
  const log = new AggregatorLog({
    input: [usageRecord(0, AT_MS, [event(1)]), usageRecord(1, AT_MS, [event(1)])],
    decidePoint: () => {
      if (isBroken) throw new RangeError('no long')
    },
  })
  await log.step(1, 'commit', [{ offset: 0n, index: 0, detail: 'no long' }])
  isBroken = false
  await log.step(1)
  assert.equal(log.rows('usage_events').length, 1)
})

test('a record is set aside whole where no event of it is to blame', async () => {
  const log = new AggregatorLog({
    input: [usageRecord(0, AT_MS, [event(1)]), usageRecord(1, AT_MS, [event(2)])],
  })
  await log.step(9, 'commit', [{ offset: 0n, index: null, detail: 'sums' }])
  const [letter] = log.rows('dead_letters')
  assert.deepEqual([letter?.['reasons'], letter?.['indexes']], [['cannot_be_decided'], [-1]])
  assert.equal(log.rows('usage_events').length, 1)
})

test('ticks and configuration are never set aside: the partition halts and says where', async () => {
  const values = [tickCodec.encode({ written_by: 'test' }), modelsCodec.encode({ version: 7, models: [] })]
  for (const value of values) {
    const log = new AggregatorLog({ input: [inputRecord(0, AT_MS, value)] })
    await assert.rejects(log.step(1, 'commit', [{ offset: 0n, index: null, detail: 'no long' }]), (error) => {
      assert.ok(error instanceof HaltError)
      assert.equal(error.reason, 'cannot_be_decided')
      assert.match(error.message, /usage\.metered\[0\] at offset 0 .*no long/)
      return true
    })
  }
})

test('a look-up that fails is nobody’s record', async () => {
  const log = new AggregatorLog({ input: [usageRecord(0, AT_MS, [event(1)])], idsMax: 10_000 })
  await log.step(1)
  log.input = [...log.input, inputRecord(1, AT_MS + 4 * 86_400_000, tickCodec.encode({ written_by: 'test' }))]
  await log.step(1)
  assert.notEqual(log.task()?.low, null)
  log.lookupFails = new Error('socket hang up')
  log.input = [...log.input, usageRecord(2, AT_MS + 4 * 86_400_000, [event(1)])]
  await assert.rejects(log.step(1), OutsideError)
})
