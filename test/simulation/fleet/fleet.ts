import assert from 'node:assert/strict'
import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import {
  fleetNodeCodec,
  fleetTaskCodec,
  nodeHeartbeatCodec,
  workerTelemetryCodec,
} from '../../../schemas/fleet/codecs.ts'
import type { FleetItem, FleetNode } from '../../../schemas/fleet/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { RULES } from '../../../schemas/since.ts'
import { FleetState } from '../../../pipelines/fleet/pipeline.ts'
import { readRecord } from '../../../services/verify/fleet/decode.ts'
import { FleetModel } from '../../../services/verify/fleet/model.ts'
import type { ExpectedRow } from '../../../services/verify/fleet/model.ts'
import { batch, item, nodeHeartbeat, poll, report, sample } from '../../support/records/fleet-items.ts'
import { FleetLog } from '../../support/records/fleet-log.ts'
import type { Row } from '../../support/oracles/row-reader.ts'
import type { Actor, ActorTasks } from '../actor.ts'
import { blocksOf, passedBy, plainRows, positionOf } from '../logs.ts'
import { nodeIdOf } from '../nodes.ts'
import { PARTITION_NUMBERS, PARTITIONS, TOPICS } from '../services.ts'
import { gateOf, waitingMarks } from '../store-marks.ts'
import { StoreClient } from '../world/store-client.ts'
import type { World } from '../world/world.ts'
import { drawBatches, NAME } from './draw-batches.ts'
import type { FleetSend, ItemDraft } from './draw-batches.ts'
import { SimWorkers } from './sim-workers.ts'

/** Nodes of hosting providers that send what they polled, some of it again, and the tasks that take it in. */
export const fleet: Actor = {
  join: ({ seed, settings, entries }) => [...entries, ...drawBatches(seed, settings.activeMs)],
  enter: (world) => {
    const tasks = tasksOf(world)
    return {
      tasks: [tasks],
      play: (entry, gateways) => {
        if (entry.kind !== 'act' || entry.actor !== NAME) return false
        const act = entry.act as FleetSend
        const provider = nodeIdOf(entry.partition, act.provider)
        const value = valueOf(act, provider, world.schedule.settings.startMs)
        gateways[entry.gateway]?.send(TOPICS.fleetInbox, entry.partition, value, provider)
        return true
      },
      judge: (partition) => [
        [`the fleet of ${partition}`, () => judge(world, tasks, partition)],
        [`the workers of ${partition}`, () => judgeWorkers(world, tasks, partition)],
      ],
    }
  },
}

function valueOf(act: FleetSend, provider_id: string, startMs: number): Buffer {
  const { epoch, firstSeq: first_seq, items } = act
  const name = { provider_id, location_id: 'site', node_id: `agent-${act.node}`, epoch }
  if (items.length === 0) return nodeHeartbeatCodec.encode(nodeHeartbeat({ ...name, sent_at: startMs }))
  const low = act.isLow ? { epoch, seq: first_seq } : { epoch: 1, seq: 1 }
  const drafts = items.map((draft) => itemOf(draft, startMs))
  return workerTelemetryCodec.encode(batch(drafts, { ...name, first_seq, low }))
}

function itemOf({ kind, machine, agoMs }: ItemDraft, startMs: number): FleetItem {
  const [atMs, serial] = [startMs - agoMs, `machine-${machine}`]
  switch (kind) {
    case 'sample':
      return item({ sample: sample(atMs, { serial, power_w: 3_400 + machine / 8, is_mining: machine > 0 }) })
    case 'poll':
      return item({ poll: { ...poll(atMs), serial } })
    case 'report':
      return item({ report: report(atMs, { serial }) })
    default:
      return item({ refused: 'wrong_type' })
  }
}

function tasksOf(world: World): ActorTasks {
  const tasks: ActorTasks = {
    service: 'fleet',
    fieldsOf: (record) => {
      const { position, next_seq, now } = fleetTaskCodec.decode(record)
      return [position, next_seq, now]
    },
    isDone: () =>
      PARTITION_NUMBERS.every((partition) => {
        const records = world.cluster.log(TOPICS.fleetInbox, partition).committed()
        const last = records.findLast(({ value }) => schemaIdOf(value) !== SCHEMA_ID.tick)
        return last === undefined || positionOf(world, tasks, partition) > last.offset
      }),
    open: ({ process }) => {
      const client = new StoreClient(process, world.store)
      const marks = waitingMarks(client.followLoaded(TOPICS.fleetBlocks, PARTITIONS), world.timeline)
      return (partition) =>
        new FleetState({
          partition,
          partitions: PARTITIONS,
          topics: TOPICS,
          loadedSeq: (of) => marks.of(of)?.seq ?? 0,
          gate: gateOf(TOPICS.fleetBlocks, partition, marks),
          clock: process.clock,
          metrics: noMetrics,
          workers: workersOf(world, partition),
        })
    },
  }
  return tasks
}

/** One of a partition's providers has an inventory. */
function workersOf(world: World, partition: number) {
  const inventory = new SimWorkers(nodeIdOf(partition, 1), () =>
    world.cluster.log(TOPICS.fleetInbox, partition).committed(),
  )
  return { inventory, identity: inventory }
}

/** What the task wrote is what a task writes that takes the same records in without any trouble. */
async function judgeWorkers(world: World, tasks: ActorTasks, partition: number): Promise<void> {
  const passed = passedBy(world, tasks, partition)
  const calm = new FleetLog(passed, noMetrics, workersOf(world, partition))
  await calm.run()
  const blocks = blocksOf(world, TOPICS.fleetBlocks, partition)
  for (const table of ['fleet_5m', 'fleet_1m', 'fleet_status', 'fleet_samples']) {
    const found = plainRows(blocks, table).map(rowText).toSorted()
    assert.deepEqual(found, calm.rows(table).map(rowText).toSorted(), table)
  }
  assert.deepEqual(plain(nodesOf(world, partition)), plain(calm.nodes()))
}

/** Without the columns that name the block. */
function rowText(row: Row): string {
  const own = Object.entries(row).filter(([name]) => !name.startsWith('src_'))
  return JSON.stringify(own.toSorted(byKey), (_, cell: unknown) =>
    typeof cell === 'bigint' ? Number(cell) : cell,
  )
}

/**
 * Each sample that the task has passed of a provider without an inventory is a row once, if it is to be one, and each node
 * is what its items make of it.
 */
function judge(world: World, tasks: ActorTasks, partition: number): void {
  const model = new FleetModel()
  model.rules = RULES
  const judged = { partition, partitions: PARTITIONS, since: [{ rules: RULES, offset: 0 }] }
  const expected: ExpectedRow[] = []
  let sent = 0
  for (const record of passedBy(world, tasks, partition)) {
    model.now = Math.max(model.now, record.timestampMs)
    if (record.key?.toString() === nodeIdOf(partition, 1)) continue
    const read = readRecord(record, judged)
    if (read.kind === 'heartbeat') model.heartbeat(read.heartbeat)
    if (read.kind !== 'batch') continue
    sent += read.batch.items.length
    expected.push(...model.batch(read.batch, record.offset, record.timestampMs))
  }
  const isJudged = (provider: unknown): boolean => provider !== nodeIdOf(partition, 1)
  const rows = plainRows(blocksOf(world, TOPICS.fleetBlocks, partition), 'fleet_samples').filter((row) =>
    isJudged(row['provider_id']),
  )
  const found = new Map(rows.map((row) => [placeOf(row), row]))
  assert.equal(found.size, rows.length, 'no sample is two rows')
  assert.deepEqual([...found.keys()].toSorted(), expected.map(({ place }) => place).toSorted())
  for (const { place, row } of expected)
    for (const name of COMPARED) assert.equal(text(found.get(place)?.[name]), text(row[name]), name)
  const all = nodesOf(world, partition)
  const nodes = new Map([...all].filter(([, { provider_id }]) => isJudged(provider_id)))
  assert.deepEqual(plain(nodes), plain(model.nodes()))
  const counted = [...nodes.values()].flatMap(({ outcomes }) => outcomes.map(({ items }) => items))
  assert.equal(
    counted.reduce((total, items) => total + items, 0),
    sent,
    'outcomes add up to what was sent',
  )
}

const COMPARED = ['node_id', 'fingerprint', 'observed_at', 'epoch', 'seq', 'outcome', 'is_mining'] as const

/** Avro's decoder makes instances of classes of its own. */
const plain = (nodes: ReadonlyMap<string, FleetNode>): unknown =>
  JSON.parse(JSON.stringify([...nodes].toSorted(byKey)))
const byKey = ([left]: [string, unknown], [right]: [string, unknown]): number => (left < right ? -1 : 1)

const placeOf = (row: Row): string => `${String(row['record_offset'])}/${String(row['record_index'])}`
/** Integers of 64 bits come as bigint. */
const text = (value: unknown): string => JSON.stringify(typeof value === 'bigint' ? Number(value) : value)

/** The newest committed record of each node. */
function nodesOf({ cluster }: World, partition: number): Map<string, FleetNode> {
  const nodes = new Map<string, FleetNode>()
  for (const { key, value } of cluster.log(TOPICS.fleetState, partition).committed()) {
    if (value !== null && schemaIdOf(value) === SCHEMA_ID.fleetNode)
      nodes.set(key?.toString() ?? '', fleetNodeCodec.decode(value))
  }
  return nodes
}
