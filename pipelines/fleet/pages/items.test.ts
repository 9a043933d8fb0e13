import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { gatewayTick, scriptOf } from '../../../test/support/fleet/pages/one-worker.ts'
import { workersLog } from '../../../test/support/fleet/pages/workers-log.ts'
import { batch, item, poll, report, sample } from '../../../test/support/records/fleet-items.ts'
import { fleetRecord } from '../../../test/support/records/fleet-log.ts'
import type { FleetLog } from '../../../test/support/records/fleet-log.ts'
import { ENGINES } from '../status/engine.ts'
import { readingOf } from './account-reading.ts'
import { ScriptInventory } from '../../../test/support/fleet/pages/script-inventory.ts'
import { liveSampleOf } from './live-sample.ts'

const START_MS = Date.UTC(2026, 6, 7, 8)
const NOW_MS = START_MS + 10 * MINUTE_MS

const of = (serial: string, tMs: number): FleetItem => item({ sample: sample(tMs, { serial }) })

/** What became of the items of a node, in the rows of samples by their place, and in all. */
function outcomesOf(log: FleetLog, node: string) {
  return {
    rows: log
      .rows('fleet_samples')
      .map(({ outcome, worker_id }) => `${String(outcome)} ${String(worker_id)}`),
    all: Object.fromEntries((log.nodes().get(node)?.outcomes ?? []).map((one) => [one.outcome, one.items])),
  }
}

test('each item of a worker has the outcome that its planes gave it, and its row names the worker', async () => {
  const items = [
    of('S', NOW_MS - SECOND_MS),
    of('S', NOW_MS - SECOND_MS),
    of('S', NOW_MS - 40 * SECOND_MS),
    of('X', NOW_MS),
    item({ poll: { ...poll(NOW_MS), serial: 'S' } }),
    item({ report: report(NOW_MS, { serial: 'S' }) }),
    item({ refused: 'missing' }),
  ]
  const log = workersLog(
    [gatewayTick(0, START_MS), fleetRecord(1, NOW_MS, { batch: batch(items) })],
    scriptOf('S', START_MS),
  )
  await log.run()
  assert.deepEqual(outcomesOf(log, 'p/l/n'), {
    rows: ['current worker-S', 'late worker-S', 'discovered '],
    all: { repeat: 1, discovered: 1, refused: 1, current: 3, late: 1 },
  })
})

test('another node is a shadow while the first one holds the worker, and one of another location sees it misplaced', async () => {
  const sent = (offset: number, atMs: number, name: { node_id: string; location_id?: string }) =>
    fleetRecord(offset, atMs, { batch: batch([of('S', atMs - offset)], name) })
  const log = workersLog(
    [
      gatewayTick(0, START_MS),
      sent(1, NOW_MS, { node_id: 'n' }),
      sent(2, NOW_MS + 20_000, { node_id: 'm' }),
      sent(3, NOW_MS + 40_000, { node_id: 'm', location_id: 'away' }),
      gatewayTick(4, NOW_MS + 80_000),
      gatewayTick(5, NOW_MS + 160_000),
      sent(6, NOW_MS + 200_000, { node_id: 'm' }),
    ],
    scriptOf('S', START_MS),
  )
  await log.run()
  assert.deepEqual(outcomesOf(log, 'p/l/n').rows, [
    'current worker-S',
    'shadow worker-S',
    'misplaced worker-S',
    'current worker-S',
  ])
})

test('a sample on which a rule fails is set aside by itself, with its reason, and changes nothing', async () => {
  const [engine] = ENGINES
  assert.ok(engine !== undefined)
  const broken = {
    ...engine,
    version: 9,
    judges: [
      ({ sample: judged }: { readonly sample: { readonly powerW: number | null } }) => {
        if (judged.powerW === 666) throw new Error('a board has no number')
      },
    ],
  }
  const script = { ...scriptOf('S', START_MS), engines: [{ offset: 0, fromMs: 0, value: broken }] }
  const bad = item({ sample: sample(NOW_MS - 2_000, { serial: 'S', power_w: 666, power_source: 'miner' }) })
  const log = workersLog(
    [
      gatewayTick(0, START_MS),
      fleetRecord(1, NOW_MS, { batch: batch([bad, of('S', NOW_MS - SECOND_MS)]) }),
      gatewayTick(2, NOW_MS + 20 * MINUTE_MS),
    ],
    script,
  )
  await log.run()
  assert.deepEqual(outcomesOf(log, 'p/l/n').all, { refused: 1, current: 1 })
  const [letter] = log.rows('dead_letters')
  assert.deepEqual([letter?.['reasons'], letter?.['indexes']], [['rule_failed'], [0]])
  assert.deepEqual(letter?.['details'], ['a board has no number'])
  const cells = log.rows('fleet_5m')
  assert.equal(
    cells.reduce((sum, row) => sum + Number(row['miner_j']), 0),
    0,
  )
})

test('watts count where the machine told them, and the planes take what their rules ask for', () => {
  const context = new ScriptInventory(scriptOf('S', 0)).contextAt({ page: 0, index: 0 }, 1, 1)
  const sending = { intervalS: 30, isShadow: false }
  const told = sample(5_000, { power_w: 3_100, power_source: 'pdu', mode: 'sleep', is_mining: true })
  assert.partialDeepStrictEqual(readingOf(told, context, sending), {
    tMs: 5_000,
    powerW: null,
    powerSource: null,
    nameplateW: 3_400,
    isMining: false,
  })
  assert.equal(liveSampleOf(told).powerSource, 'pdu')
  const pools = [
    { ...NO_POOL, index: 0, priority: 2, alive: true, active: false, diff_accepted: 5 },
    { ...NO_POOL, index: 1, priority: 3, alive: false, active: true, diff_accepted: 7 },
  ]
  const boards = [
    { ...NO_BOARD, slot: 0, enabled: false, present: true },
    { ...NO_BOARD, slot: 1 },
  ]
  const fans = [6_000, 0].map((rpm, index) => ({ index, rpm, pct: null }))
  const live = liveSampleOf(sample(1, { pools, boards, fans }))
  assert.partialDeepStrictEqual(live, {
    poolsAlive: 1,
    activePoolPriority: 1,
    difficultyAccepted: 12,
    boardsDisabled: 1,
    fanMinRpm: 0,
    fanMaxRpm: 6_000,
  })
  assert.equal(liveSampleOf(sample(1)).poolsAlive, null)
})

const NO_POOL = {
  index: 0,
  priority: null,
  active: null,
  alive: null,
  accepted: null,
  rejected: null,
  stale: null,
  discarded: null,
  get_failures: null,
  remote_failures: null,
  diff_accepted: null,
  diff_rejected: null,
  diff_stale: null,
  difficulty: null,
  last_share_at: null,
}

const NO_BOARD = {
  slot: 0,
  present: null,
  enabled: null,
  hashrate_hs: null,
  nominal_hs: null,
  temp_board_c: null,
  temp_chip_c: null,
  chips: null,
  chips_expected: null,
  freq_mhz: null,
  voltage_v: null,
  hw_errors: null,
  power_w: null,
}
