import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { gatewayTick, scriptOf } from '../../../test/support/fleet/pages/one-worker.ts'
import { workersLog } from '../../../test/support/fleet/pages/workers-log.ts'
import { batch, item, sample } from '../../../test/support/records/fleet-items.ts'
import { fleetRecord } from '../../../test/support/records/fleet-log.ts'
import type { FleetLog } from '../../../test/support/records/fleet-log.ts'
import type { LogRecord } from '../../log/records.ts'

const START_MS = Date.UTC(2026, 10, 2, 3)
const WORKERS = 300
const [first] = scriptOf('S', START_MS).workers
assert.ok(first !== undefined)
const worker = first

/** Two pages of workers of one node. */
const script = {
  ...scriptOf('S', START_MS),
  workers: Array.from({ length: WORKERS }, (_, n) => ({
    ...worker,
    workerId: `w${n}`,
    place: { page: Math.floor(n / 256), index: n % 256 },
    serials: [{ offset: 0, fromMs: 0, value: `S${n}` }],
  })),
}

/** Ticks each 30 s at these seconds of the log, and samples of all workers at others. */
function inputOf(tickS: readonly number[], sampleS: readonly number[]): LogRecord[] {
  const at = [...tickS.map((atS) => [atS, true] as const), ...sampleS.map((atS) => [atS, false] as const)]
  return at
    .toSorted(([left], [right]) => left - right)
    .map(([atS, isTick], offset) => {
      const atMs = START_MS + atS * SECOND_MS
      if (isTick) return gatewayTick(offset, atMs)
      const items = Array.from({ length: WORKERS }, (_, n) =>
        item({ sample: sample(atMs - 500, { serial: `S${n}`, uptime_s: 90_000 }) }),
      )
      return fleetRecord(offset, atMs, { batch: batch(items, { first_seq: 1 + offset * WORKERS }) })
    })
}

const each30 = (fromS: number, toS: number): number[] =>
  Array.from({ length: Math.floor((toS - fromS) / 30) + 1 }, (_, n) => fromS + n * 30)

/** Changes of status in which a reason begins, by their second: how many. */
function changesTo(log: FleetLog, reason: string): Record<string, number> {
  const seconds = log
    .rows('fleet_status')
    .filter((row) => row['reason'] === reason)
    .map((row) => (Number(row['changed_at']) - START_MS) / SECOND_MS)
  const bySecond = Map.groupBy(seconds, (atS) => `${atS}`)
  return Object.fromEntries([...bySecond].map(([atS, all]) => [atS, all.length]))
}

test('a silent node takes all its workers with it, at once and as of that time, and gives them back', async () => {
  const samples = [10, 40, 70, 800, 830]
  const log = workersLog(inputOf(each30(0, 1_200), samples), script)
  const before = log.input.findIndex(({ timestampMs }) => timestampMs >= START_MS + 370 * SECOND_MS)
  await log.singles(before)
  assert.deepEqual(changesTo(log, 'node_unavailable'), {})
  await log.step(1)
  assert.deepEqual(changesTo(log, 'node_unavailable'), { 370: WORKERS })
  await log.run()
  assert.deepEqual(changesTo(log, 'node_unavailable'), { 370: WORKERS, 1130: WORKERS })
  const back = log
    .rows('fleet_status')
    .filter((row) => Number(row['changed_at']) === START_MS + 800 * SECOND_MS)
  assert.equal(back.length, WORKERS)
  assert.ok(back.every((row) => row['unknown'] === 0 && row['cause'] === 'sample'))
})

test('while we ourselves hear nothing no status changes, and what was due then is due so much later', async () => {
  const minutes = (count: number): number => (count * MINUTE_MS) / SECOND_MS
  const deafS = minutes(20)
  const log = workersLog(
    inputOf([...each30(0, 90), ...each30(90 + deafS, 90 + deafS + 600)], [10, 40, 70]),
    script,
  )
  await log.run()
  // The node was heard at 70; gateways until 90, and 90 s count after that: they are deaf from 180 on, until 1,290.
  assert.deepEqual(changesTo(log, 'node_unavailable'), { [370 + 1_290 - 180]: WORKERS })
})
