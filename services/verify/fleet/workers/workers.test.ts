import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SCHEMA_ID, schemaIdOf } from '../../../../schemas/avro.ts'
import { workerTelemetryCodec } from '../../../../schemas/fleet/codecs.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import { gatewayTick, scriptOf } from '../../../../test/support/fleet/pages/one-worker.ts'
import { someLog } from '../../../../test/support/fleet/pages/random-log.ts'
import { ScriptInventory } from '../../../../test/support/fleet/pages/script-inventory.ts'
import type { Script, ScriptWorker } from '../../../../test/support/fleet/pages/script-inventory.ts'
import { AssignedIdentity, ScriptWorkforce } from '../../../../test/support/fleet/pages/script-workforce.ts'
import { workersTables } from '../../../../test/support/fleet/pages/workers-tables.ts'
import type { Row } from '../../../../test/support/oracles/row-reader.ts'
import { batch, item, poll, sample } from '../../../../test/support/records/fleet-items.ts'
import { FleetLog, fleetRecord } from '../../../../test/support/records/fleet-log.ts'
import { Differences } from '../../differences.ts'
import { compareWorkers } from './compare-workers.ts'
import { ExpectedRows } from './expected.ts'

const BLOCKS = { topic: 'fleet.blocks', partition: 0, seqBelow: 1_000_000 }

/** Runs the task on a log, and compares its rows, after `change` has changed them, with what verify works out. */
async function verified(
  input: FleetLog['input'],
  script: Script,
  change: (rows: Row[], table: string) => Row[] = (rows) => rows,
) {
  const inventory = new ScriptInventory(script)
  const log = new FleetLog(input, undefined, { inventory, identity: new AssignedIdentity(inventory) })
  await log.run()
  const endMs = log.task()?.now ?? 0
  const differences = new Differences()
  const expected = new ExpectedRows(new ScriptWorkforce(script), endMs)
  let nowMs = 0
  for (const { offset, timestampMs, value } of input) {
    nowMs = Math.max(nowMs, timestampMs)
    const isBatch = value !== null && schemaIdOf(value) === SCHEMA_ID.workerTelemetry
    expected.record(nowMs, offset, isBatch ? workerTelemetryCodec.decode(value) : null)
    expected.ended()
  }
  const tables = workersTables((table) => change(log.rows(table), table))
  const compared = await compareWorkers({ tables, differences }, BLOCKS, expected)
  return { compared, differences: differences.lines() }
}

const keptForEver = (worker: ScriptWorker): ScriptWorker => ({
  ...worker,
  freedAtMs: Number.POSITIVE_INFINITY,
})

test('the rows of workers are worked out as the task has written them, whatever the log holds', async () => {
  let cells = 0
  let minutes = 0
  await fc.assert(
    fc.asyncProperty(someLog, async ({ input, script }) => {
      // A place stays its worker's: one that is given to another one at once exists in tests of pages only.
      const workers = script.workers
        .filter(({ workerId }) => workerId !== 'w5')
        .map((worker) => keptForEver(worker))
      const { compared, differences } = await verified(input, { ...script, workers })
      assert.deepEqual(differences, [])
      cells += compared.cells
      minutes += compared.minutes
    }),
    { numRuns: 40, seed: 48, endOnFailure: true },
  )
  assert.ok(cells > 300 && minutes > 1_000, `${cells} cells, ${minutes} minutes`)
})

const START_MS = Date.UTC(2026, 8, 4, 6)
const HOURS = 4

/** A worker that is polled for four hours, with gaps, failures and late samples; its log begins at `first`. */
function fourHours(first: number) {
  const rounds = Array.from({ length: HOURS * 120 }, (_, round) => round)
  const input = rounds.flatMap((round) => {
    const nowMs = START_MS + round * 30 * SECOND_MS + 700
    const isGap = round % 50 > 30
    const tMs = round % 50 === 45 ? nowMs - 5 * MINUTE_MS : nowMs - 200
    const fine = item({
      sample: sample(tMs, { serial: 'S', hashrate_hs: { ...sample(0).hashrate_hs, now: 9e13 } }),
    })
    const failed = item({ poll: { ...poll(tMs, 'timeout'), serial: 'S' } })
    const items = [
      isGap && round % 50 !== 45
        ? item({ sample: sample(tMs, { serial: 'X' }) })
        : round % 7 === 0
          ? failed
          : fine,
    ]
    return [
      gatewayTick(2 * round, nowMs),
      fleetRecord(2 * round + 1, nowMs, { batch: batch(items, { node_id: 'n', first_seq: round + 1 }) }),
    ]
  })
  return { input: input.filter(({ offset }) => Number(offset) >= first), script: scriptOf('S', START_MS) }
}

test('the last hour is compared, after an hour in which what reaches into it becomes known', async () => {
  const { input, script } = fourHours(0)
  const { compared, differences } = await verified(input, script)
  assert.deepEqual(differences, [])
  assert.ok(compared.cells >= 6 && compared.cells <= 12, `${compared.cells} cells`)
  assert.ok(compared.leftOut > 0)
})

test('a row that is missing, one too many, and one that says something else are differences', async () => {
  const { input, script } = fourHours(0)
  const last = (rows: readonly Row[]): number =>
    Math.max(...rows.map(({ cell }) => Number(cell))) - 20 * MINUTE_MS
  const changed: readonly [(rows: Row[]) => Row[], RegExp][] = [
    [(rows) => rows.filter(({ cell }) => Number(cell) !== last(rows)), /\(row\) is absent, expected present/],
    [
      (rows) => [...rows, ...rows.filter(({ cell }) => Number(cell) === last(rows))],
      /on_time_rows is 2, expected 1/,
    ],
    [
      (rows) => rows.map((row) => (Number(row['cell']) === last(rows) ? { ...row, hashing_s: 1 } : row)),
      /hashing_s is 1, expected \d+/,
    ],
    [
      (rows) =>
        rows.map((row) => (Number(row['cell']) === last(rows) ? { ...row, worker_id: 'other' } : row)),
      /other .*\(row\) is present, expected absent/,
    ],
  ]
  for (const [change, message] of changed) {
    const { differences } = await verified(input, script, (rows, table) =>
      table === 'fleet_5m' ? change(rows) : rows,
    )
    assert.match(differences.join('\n'), message)
  }
  const { differences } = await verified(input, script, (rows, table) => (table === 'fleet_1m' ? [] : rows))
  assert.match(differences.join('\n'), /fleet_1m .*\(row\) is absent/)
})
