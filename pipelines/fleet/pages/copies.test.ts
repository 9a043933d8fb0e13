import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetNode, WorkerTelemetry } from '../../../schemas/fleet/records.ts'
import { someSparseLog, someSteadyLog } from '../../../test/support/fleet/pages/random-log.ts'
import type { RandomLog } from '../../../test/support/fleet/pages/random-log.ts'
import { workersLog, workersOf } from '../../../test/support/fleet/pages/workers-log.ts'
import { fleetRecord } from '../../../test/support/records/fleet-log.ts'
import type { FleetLog } from '../../../test/support/records/fleet-log.ts'
import type { LogRecord } from '../../log/records.ts'

// What a node sends again, or another sender under other numbers, changes no row of a worker and no status: a time that is
// there, or whose slot is taken, changes nothing.

const isBatch = ({ value }: LogRecord): boolean => schemaIdOf(value) === SCHEMA_ID.workerTelemetry
const batchOf = ({ value }: LogRecord): WorkerTelemetry =>
  workerTelemetryCodec.decode(value ?? Buffer.alloc(0))

const picks = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 40 })

/** A record's copy at another place, perhaps under numbers of a later start of its node. */
function copyOf(record: LogRecord, at: LogRecord, behind: number, epoch: number): LogRecord {
  return fleetRecord(Number(at.offset) + behind, at.timestampMs, { batch: { ...batchOf(record), epoch } })
}

/**
 * Copies of earlier batches right behind later ones of the same node, which is heard then anyhow. Each pick chooses a batch
 * and the one behind which its copy comes.
 */
function withCopies(input: readonly LogRecord[], choices: readonly number[], epoch: number): LogRecord[] {
  const copies = new Map<bigint, LogRecord[]>()
  const batches = input.filter(isBatch)
  for (const choice of choices) {
    const record = batches[choice % Math.max(1, batches.length)]
    if (record === undefined) continue
    const { node_id } = batchOf(record)
    const later = batches.filter((one) => one.offset >= record.offset && batchOf(one).node_id === node_id)
    const at = later[choice % later.length] ?? record
    const there = copies.get(at.offset) ?? []
    if (there.length < 3) there.push(copyOf(record, at, there.length + 1, epoch))
    copies.set(at.offset, there)
  }
  return input.flatMap((record) => [record, ...(copies.get(record.offset) ?? [])])
}

async function ran(input: readonly LogRecord[], { script }: RandomLog): Promise<FleetLog> {
  const log = workersLog(input, script)
  await log.run()
  return log
}

const itemsIn = (input: readonly LogRecord[]): number =>
  input.filter(isBatch).reduce((sum, record) => sum + batchOf(record).items.length, 0)

const outcomesOf = (nodes: ReadonlyMap<string, FleetNode>): Record<string, number> => {
  const all: Record<string, number> = {}
  for (const { outcomes } of nodes.values())
    for (const { outcome, items } of outcomes) all[outcome] = (all[outcome] ?? 0) + items
  return all
}

test('a copy right behind its batch is so many repeats, and nothing else', async () => {
  let rows = 0
  await fc.assert(
    fc.asyncProperty(someSparseLog, async (random) => {
      const once = await ran(random.input, random)
      const copied = random.input.flatMap((record) =>
        isBatch(record) ? [record, copyOf(record, record, 1, batchOf(record).epoch)] : [record],
      )
      const twice = await ran(copied, random)
      assert.deepEqual(workersOf(twice), workersOf(once))
      const before = outcomesOf(once.nodes())
      const repeats = (before['repeat'] ?? 0) + itemsIn(random.input)
      assert.deepEqual(outcomesOf(twice.nodes()), { ...before, repeat: repeats })
      rows += workersOf(once).rows['fleet_5m']?.length ?? 0
    }),
    { numRuns: 25, seed: 45 },
  )
  assert.ok(rows > 500, 'the logs made rows')
})

test('a copy at any later time is so many repeats, and nothing else', async () => {
  let copies = 0
  await fc.assert(
    fc.asyncProperty(someSteadyLog, picks, async (random, choices) => {
      const once = await ran(random.input, random)
      const copied = withCopies(random.input, choices, 1)
      const more = await ran(copied, random)
      assert.deepEqual(workersOf(more), workersOf(once))
      const before = outcomesOf(once.nodes())
      const repeats = (before['repeat'] ?? 0) + itemsIn(copied) - itemsIn(random.input)
      assert.deepEqual(outcomesOf(more.nodes()), { ...before, repeat: repeats })
      copies += copied.length - random.input.length
    }),
    { numRuns: 25, seed: 46 },
  )
  assert.ok(copies > 200)
})

test('a copy under other numbers changes no row of a worker and no status', async () => {
  await fc.assert(
    fc.asyncProperty(someSteadyLog, picks, async (random, choices) => {
      const once = workersOf(await ran(random.input, random))
      const more = workersOf(await ran(withCopies(random.input, choices, 2), random))
      // What a copy came to is a row of samples, unless it is a repeat: each stands for an item that was sent.
      for (const table of ['fleet_5m', 'fleet_1m', 'fleet_status', 'dead_letters']) {
        assert.deepEqual(more.rows[table], once.rows[table], table)
      }
      assert.deepEqual(more.faces, once.faces)
    }),
    { numRuns: 25, seed: 47 },
  )
})
