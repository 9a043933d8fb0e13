import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { FleetItem } from '../../../../schemas/fleet/records.ts'
import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { RULES } from '../../../../schemas/since.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import { gatewayTick } from '../../../../test/support/fleet/pages/one-worker.ts'
import { workersTables } from '../../../../test/support/fleet/pages/workers-tables.ts'
import { batch, item, poll, sample } from '../../../../test/support/records/fleet-items.ts'
import { FleetLog, fleetRecord } from '../../../../test/support/records/fleet-log.ts'
import { inventoryCommand, SITE } from '../../../../test/support/records/inventory/inventory-commands.ts'
import { Differences } from '../../differences.ts'
import { readRecord } from '../decode.ts'
import { FleetModel } from '../model.ts'
import { compareWorkers } from '../workers/compare-workers.ts'
import { ExpectedRows } from '../workers/expected.ts'
import { InventoryWorkforce } from './inventory-workforce.ts'

const START_MS = Date.UTC(2026, 10, 30, 14, 1)
const EDGE_MS = 5 * MINUTE_MS
const BLOCKS = { topic: 'fleet.blocks', partition: 0, seqBelow: 1_000_000 }

const command = (
  entity: string,
  entity_id: string,
  body: Readonly<Record<string, unknown>>,
): InventoryCommand => inventoryCommand({ entity, entity_id, body })
const change = (
  entity: string,
  entity_id: string,
  body: Readonly<Record<string, unknown>>,
): InventoryCommand => inventoryCommand({ action: 'change', entity, entity_id, body })

/** Two machines that are polled by the node `n` of the barn; the first stands in a container. */
const BEGIN: readonly InventoryCommand[] = [
  ...SITE,
  command('node', 'n', { location: 'barn', name: 'N' }),
  command('worker', 'w2', { asset_code: 'A-2', model: 'm1', profile_hashrate_hs: 90_000_000_000_000 }),
  command('identity', 'i1', { worker: 'w1', kind: 'serial', value: 'S-1' }),
  command('identity', 'i2', { worker: 'w2', kind: 'serial', value: 'S-2' }),
  command('assignment', 'a1', { worker: 'w1', location: 'barn', container: 'c1', node: 'n' }),
  command('assignment', 'a2', { worker: 'w2', location: 'barn', node: 'n' }),
]

/** What may change meanwhile. */
const LATER: readonly InventoryCommand[] = [
  change('model', 'm1', { nominal_hashrate_hs: 100_000_000_000_000, nominal_power_w: 3_000 }),
  change('worker', 'w1', { interval_s: 60 }),
  change('worker', 'w2', { profile_power_w: 2_500 }),
  change('provider', 'p', { thresholds: { nominal_max_pct: 101 } }),
  change('location', 'barn', { thresholds: { nominal_min_pct: 99 } }),
  inventoryCommand({ action: 'end', entity: 'assignment', entity_id: 'a1' }),
  inventoryCommand({ action: 'end', entity: 'worker', entity_id: 'w2' }),
]

const someStep = fc.record({
  stepS: fc.constantFrom(5, 30, 30, 30, 90, 400),
  ageS: fc.constantFrom(0, 2, 10, 100, 1_000),
  machine: fc.constantFrom('S-1', 'S-2'),
  kind: fc.constantFrom('fine', 'fine', 'fine', 'slow', 'mute', 'failed'),
  isComplete: fc.boolean(),
  /** Mostly nothing changes. */
  later: fc.integer({ min: 0, max: 6 * LATER.length }),
})
type Step = typeof someStep extends fc.Arbitrary<infer One> ? One : never

function itemOf({ kind, machine }: Step, tMs: number): FleetItem {
  if (kind === 'failed') return item({ poll: { ...poll(tMs, 'timeout'), serial: machine } })
  const plain = sample(tMs, { serial: machine, is_mining: true })
  const now = { fine: 98_000_000_000_000, slow: 40_000_000_000_000, mute: null }[kind]
  return item({
    sample: {
      ...plain,
      hashrate_hs: { ...plain.hashrate_hs, now },
      hashrate_nominal_hs: 102_000_000_000_000,
      power_w: kind === 'fine' ? 2_950 : null,
      power_source: kind === 'fine' ? 'miner_psu' : null,
    },
  })
}

function logOf(steps: readonly Step[]): ReturnType<typeof fleetRecord>[] {
  const records = BEGIN.map((one, offset) => fleetRecord(offset, START_MS, { command: one }))
  let nowMs = START_MS + EDGE_MS
  let seq = 1
  for (const step of steps) {
    nowMs += step.stepS * SECOND_MS
    const next = (): number => records.length
    records.push(gatewayTick(next(), nowMs))
    const later = LATER[step.later]
    if (later !== undefined)
      records.push(fleetRecord(next(), nowMs, { command: { ...later, command_id: uuid(next()) } }))
    const tMs = nowMs - step.ageS * SECOND_MS
    const complete = step.isComplete ? [{ from: tMs - MINUTE_MS, to: tMs }] : []
    const sent = batch([itemOf(step, tMs)], { location_id: 'barn', first_seq: seq++, complete })
    records.push(fleetRecord(next(), nowMs, { batch: sent }))
  }
  // Everything settles.
  for (let minute = 1; minute <= 20; minute++)
    records.push(gatewayTick(records.length, nowMs + minute * MINUTE_MS))
  return records
}

const uuid = (number: number): string => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`

test('rows of workers are what verify works out from the commands and the telemetry of the same log', async () => {
  let cells = 0
  await fc.assert(
    fc.asyncProperty(fc.array(someStep, { minLength: 5, maxLength: 60 }), async (steps) => {
      const input = logOf(steps)
      const log = new FleetLog(input)
      await log.run()
      const model = new FleetModel()
      const expected = new ExpectedRows(new InventoryWorkforce(model.inventory), log.task()?.now ?? 0)
      for (const record of input) {
        model.pass(record.timestampMs)
        const read = readRecord(record, { partition: 0, partitions: 1, since: [{ rules: RULES, offset: 0 }] })
        expected.record(model.now, record.offset, read.kind === 'batch' ? read.batch : null)
        if (read.kind === 'batch') model.batch(read.batch, record.offset, record.timestampMs)
        if (read.kind === 'command') model.command(read.wish, record.offset)
        expected.ended()
      }
      const differences = new Differences()
      const tables = workersTables((table) => log.rows(table))
      const compared = await compareWorkers({ tables, differences }, BLOCKS, expected)
      assert.deepEqual(differences.lines(), [])
      cells += compared.cells
    }),
    { numRuns: 60, seed: 20 },
  )
  assert.ok(cells > 200, `${cells} cells`)
})
