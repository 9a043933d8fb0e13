import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SCHEMA_ID, schemaIdOf, STATE_KEY, tickCodec } from '../../../schemas/avro.ts'
import { LISTENING_MS } from '../live/listening.ts'
import type { LogRecord } from '../../log/records.ts'
import type { TransactionEnd } from '../../../test/support/records/task-log.ts'
import { someLog } from '../../../test/support/fleet/pages/random-log.ts'
import { workersLog, workersOf } from '../../../test/support/fleet/pages/workers-log.ts'

const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 5, maxLength: 60 })
const ends = fc.array(fc.constantFrom<TransactionEnd>('commit', 'commit', 'commit', 'lost', 'unknown'), {
  minLength: 5,
  maxLength: 60,
})

test('any batch borders, and a task thrown away anywhere, give the same rows, nodes and standings', async () => {
  let restarts = 0
  await fc.assert(
    fc.asyncProperty(someLog, cuts, ends, async ({ input, script }, cuts, ends) => {
      const smooth = workersLog(input, script)
      await smooth.run()
      const shaken = workersLog(input, script)
      await shaken.run(cuts, ends)
      assert.deepEqual(workersOf(shaken), workersOf(smooth))
      assert.deepEqual(Object.fromEntries(shaken.nodes()), Object.fromEntries(smooth.nodes()))
      restarts += shaken.values('fleet.state', STATE_KEY.fence).length - 1
    }),
    { numRuns: 25, seed: 41 },
  )
  assert.ok(restarts > 60)
})

/** As many as there are crashes, and longer than several pages' ages. */
const RECORDS = 90

test('a crash after any record of a run changes nothing', async () => {
  const [log] = fc.sample(someLog, { numRuns: 1, seed: 43 })
  assert.ok(log !== undefined)
  const { script } = log
  const input = log.input.slice(0, RECORDS)
  const smooth = workersLog(input, script)
  await smooth.singles(input.length)
  const expected = workersOf(smooth)
  for (let crashed = 1; crashed <= input.length; crashed++) {
    const shaken = workersLog(input, script)
    await shaken.run(
      Array.from({ length: crashed }, () => 1),
      [...Array.from({ length: crashed - 1 }, () => 'commit' as const), 'unknown'],
    )
    assert.deepEqual(workersOf(shaken), expected, `after record ${crashed}`)
  }
})

test('ticks of tasks, and those of gateways that leave no gap of 90 s, decide nothing', async () => {
  await fc.assert(
    fc.asyncProperty(someLog, async ({ input, script, changes }) => {
      const all = workersLog(input, script)
      await all.run()
      const fewer = workersLog(withoutTicks(input, changes), script)
      await fewer.run([7, 7, 7, 7])
      assert.deepEqual(workersOf(fewer), workersOf(all))
    }),
    { numRuns: 25, seed: 44 },
  )
})

/** The log without the ticks that only bound how long something waits. The last record stays, to which time comes. */
function withoutTicks(input: readonly LogRecord[], changes: ReadonlySet<number>): LogRecord[] {
  let heardMs = Number.NEGATIVE_INFINITY
  const ticks = input.filter((record) => schemaIdOf(record.value) === SCHEMA_ID.tick)
  const isGateway = ({ value }: LogRecord): boolean =>
    value !== null && tickCodec.decode(value).written_by === 'gateway'
  const gateways = ticks.filter(isGateway)
  const dropped = new Set(ticks.filter((record) => !isGateway(record)))
  for (const [n, tick] of gateways.entries()) {
    const next = gateways[n + 1]
    const isSpare = next !== undefined && next.timestampMs - heardMs <= LISTENING_MS
    if (isSpare && !changes.has(Number(tick.offset))) dropped.add(tick)
    else heardMs = tick.timestampMs
  }
  return input.filter(
    (record, n) => !dropped.has(record) || changes.has(Number(record.offset)) || n === input.length - 1,
  )
}
