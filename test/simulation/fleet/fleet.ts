import assert from 'node:assert/strict'
import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import {
  fleetNodeCodec,
  fleetTaskCodec,
  nodeHeartbeatCodec,
  workerTelemetryCodec,
} from '../../../schemas/fleet/codecs.ts'
import { fleetEntityCodec, inventoryCommandCodec } from '../../../schemas/fleet/inventory/codecs.ts'
import type { FleetItem, FleetNode } from '../../../schemas/fleet/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { RULES } from '../../../schemas/since.ts'
import { FleetState } from '../../../pipelines/fleet/pipeline.ts'
import { readRecord } from '../../../services/verify/fleet/decode.ts'
import { FleetModel } from '../../../services/verify/fleet/model.ts'
import type { ExpectedRow } from '../../../services/verify/fleet/model.ts'
import { ChangedRows, factsOf } from '../../../services/verify/fleet/inventory/compare.ts'
import { shownNewest } from '../../../services/verify/fleet/inventory/inventory-model.ts'
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
import { commandOf } from './draw-commands.ts'
import type { FleetSend, ItemDraft } from './draw-batches.ts'

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
  if (act.command !== undefined)
    return inventoryCommandCodec.encode(commandOf(act.command, provider_id, startMs))
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
        })
    },
  }
  return tasks
}

/** What the task wrote is what a task writes that takes the same records in without any trouble. */
async function judgeWorkers(world: World, tasks: ActorTasks, partition: number): Promise<void> {
  const passed = passedBy(world, tasks, partition)
  const calm = new FleetLog(passed)
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

/** Each sample that the task has passed is a row once, if it is to be one, and each node is what its items make of it. */
function judge(world: World, tasks: ActorTasks, partition: number): void {
  const model = new FleetModel()
  model.rules = RULES
  const judged = { partition, partitions: PARTITIONS, since: [{ rules: RULES, offset: 0 }] }
  const expected: ExpectedRow[] = []
  const changes = new ChangedRows()
  const versions = plainRows(blocksOf(world, TOPICS.fleetBlocks, partition), 'fleet_versions')
  const facts = factsOf(versions.filter(isOfItems))
  let sent = 0
  for (const record of passedBy(world, tasks, partition)) {
    model.pass(record.timestampMs)
    facts.upTo(record.offset - 1n, model.inventory)
    const read = readRecord(record, judged)
    if (read.kind === 'heartbeat') model.heartbeat(read.heartbeat)
    if (read.kind === 'command') changes.add(model.command(read.wish, record.offset))
    if (read.kind !== 'batch') continue
    sent += read.batch.items.length
    expected.push(...model.batch(read.batch, record.offset, record.timestampMs))
  }
  const rows = plainRows(blocksOf(world, TOPICS.fleetBlocks, partition), 'fleet_samples')
  const found = new Map(rows.map((row) => [placeOf(row), row]))
  assert.equal(found.size, rows.length, 'no sample is two rows')
  // Whether a sample of a worker is a row is its slots' matter.
  const possible = expected.filter(({ isSure, place }) => isSure || found.has(place))
  assert.deepEqual([...found.keys()].toSorted(), possible.map(({ place }) => place).toSorted())
  for (const { place, row, isSure } of possible)
    for (const name of isSure ? [...COMPARED, 'outcome'] : COMPARED)
      assert.equal(text(found.get(place)?.[name]), text(row[name]), name)
  facts.upTo(2n ** 62n, model.inventory)
  judgeInventory(world, partition, model, changes)
  const nodes = nodesOf(world, partition)
  const sure = ([key]: [string, FleetNode]): boolean => model.ofWorkers(key) === 0
  assert.deepEqual(plain(new Map([...nodes].filter(sure))), plain(new Map([...model.nodes()].filter(sure))))
  const counted = [...nodes.values()].flatMap(({ outcomes }) => outcomes.map(({ items }) => items))
  assert.equal(
    counted.reduce((total, items) => total + items, 0),
    sent,
    'outcomes add up to what was sent',
  )
}

/** A version that follows from items and not from a command: the judge takes it as it is. */
const isOfItems = ({ changed_by }: Row): boolean => changed_by === 'fleet'

const COMPARED = ['node_id', 'worker_id', 'fingerprint', 'observed_at', 'epoch', 'seq', 'is_mining'] as const

/** Each command has one outcome, whatever was sent again, and its versions are rows and records once. */
function judgeInventory(world: World, partition: number, model: FleetModel, changes: ChangedRows): void {
  const blocks = blocksOf(world, TOPICS.fleetBlocks, partition)
  for (const [table, rows] of [
    ['fleet_versions', changes.versions],
    ['fleet_commands', changes.commands],
  ] as const) {
    const offset = table === 'fleet_versions' ? 'known_offset' : 'record_offset'
    const shown = (row: Row): string =>
      [row['entity'], row['entity_id'], row['code'], row['body'], row[offset]].map(text).join()
    const found = plainRows(blocks, table)
      .filter((row) => !isOfItems(row))
      .map(shown)
    assert.deepEqual(
      found.toSorted(),
      Array.from(rows.values(), (row) => shown(row as Row)).toSorted(),
      table,
    )
  }
  const found = new Map<string, string>()
  for (const { key, value } of world.cluster.log(TOPICS.fleetState, partition).committed())
    if (schemaIdOf(value) === SCHEMA_ID.fleetEntity && value !== null)
      found.set(key?.toString() ?? '', shownNewest(fleetEntityCodec.decode(value)))
  assert.deepEqual([...found].toSorted(byKey), [...model.inventory.newest()].toSorted(byKey), 'entities')
}

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
