import type {
  FleetItem,
  FleetNode,
  FleetNodeName,
  NodeHeartbeat,
  WorkerTelemetry,
} from '../../../schemas/fleet/records.ts'
import type { Row } from '../differences.ts'
import type { Wish } from './inventory/decide.ts'
import { InventoryModel } from './inventory/inventory-model.ts'
import type { NamedRow } from './inventory/inventory-model.ts'
import { Numbers } from './numbers.ts'
import { rowOf } from './rows.ts'

const AHEAD_S = 60
const OLD_H = 80
const HOUR = 3_600_000
const HOURS = 80
const LIVE_MS = 300_000
const LIVE_MOST = 4

/** The first rules by which epochs that speak at once are counted. */
const CLONES = 5

/** The outcomes in the order in which fleet.state has them. */
const WORDS = ['repeat', 'discovered', 'quarantined', 'refused', 'conflict'] as const
/** What an item of a worker comes to is decided by its lease and its slots, which this model does not have. */
type Word = (typeof WORDS)[number] | 'worker'
/** Of these a sample has no row. */
const WITHOUT_ROW: ReadonlySet<Word> = new Set(['repeat', 'quarantined', 'refused'])

/** A row that must be there, by its place in the log. */
export interface ExpectedRow {
  readonly place: string
  readonly row: Row
  /** False for a sample of a worker: it may be a repeat, and its outcome is one of several. */
  readonly isSure: boolean
  /** What the sample was numbered as. */
  readonly node: string
  readonly epoch: number
  readonly seq: number
}

interface ModelNode {
  readonly name: FleetNodeName
  readonly firstSeenAt: number
  readonly numbers: Numbers
  readonly outcomes: Map<Word, number>
  readonly hours: Map<number, number>
  heartbeatAt: number | null
  dataAt: number | null
  version: string | null
  intervalS: number
  epoch: number
  /** By epoch, when it last spoke. */
  readonly spoken: Map<number, number>
  clones: number
}

/** What follows from the records of one partition: the second implementation of the task's rules. */
export class FleetModel {
  /** By which the next record is judged. */
  rules = 0
  items = 0
  commands = 0
  readonly inventory = new InventoryModel()
  #now = 0
  readonly #nodes = new Map<string, ModelNode>()

  /** Log time, which never falls. */
  get now(): number {
    return this.#now
  }

  /** The next record has this time. */
  pass(timestampMs: number): void {
    this.#now = Math.max(this.#now, timestampMs)
    this.inventory.pass(this.#now)
  }

  /** A command that the log has at this offset; returns the rows that it must have given. */
  command(wish: Wish, offset: bigint): { versions: NamedRow[]; commands: NamedRow[] } {
    this.commands += 1
    return this.inventory.command(wish, this.#now, Number(offset))
  }

  /** A batch that the log has at this offset; returns the rows that it must have given. */
  batch(batch: WorkerTelemetry, offset: bigint, receivedAt: number): ExpectedRow[] {
    const { epoch, first_seq, items, low } = batch
    const node = this.#node(batch)
    const key = keyOf(batch)
    const rows: ExpectedRow[] = []
    for (const [index, item] of items.entries()) {
      const seq = first_seq + index
      const { word, worker } = this.#outcome(batch, item, node.numbers.has({ epoch, seq }))
      node.outcomes.set(word, (node.outcomes.get(word) ?? 0) + 1)
      this.items += 1
      if (word === 'quarantined') this.#quarantine(node)
      if (WITHOUT_ROW.has(word) || item.sample === null) continue
      const row = rowOf(batch, item.sample, { index, seq, outcome: word, worker, offset, receivedAt })
      rows.push({ place: `${offset}/${index}`, row, isSure: word !== 'worker', node: key, epoch, seq })
    }
    node.numbers.use(epoch, first_seq, first_seq + items.length - 1)
    node.numbers.end(low)
    node.dataAt = this.now
    node.intervalS = batch.interval_s
    this.#speak(node, epoch, batch.lane === 'live')
    return rows
  }

  heartbeat(heartbeat: NodeHeartbeat): void {
    const node = this.#node(heartbeat)
    node.heartbeatAt = this.now
    node.version = heartbeat.software_version
    node.intervalS = heartbeat.interval_s
    this.#speak(node, heartbeat.epoch, true)
  }

  /** Items of a node, by its key, that were of workers. */
  ofWorkers(key: string): number {
    return this.#nodes.get(key)?.outcomes.get('worker') ?? 0
  }

  /** The nodes as fleet.state must have them, by their key, but for the outcomes of items of workers. */
  nodes(): ReadonlyMap<string, FleetNode> {
    return new Map([...this.#nodes].map(([key, node]) => [key, shownNode(node)]))
  }

  #outcome(
    node: FleetNodeName,
    item: FleetItem,
    isKnown: boolean,
  ): { readonly word: Word; readonly worker: string } {
    const machine = item.sample ?? item.poll ?? item.report
    const once = (word: Word) => ({ word: isKnown ? 'repeat' : word, worker: '' }) as const
    if (machine === null) return once('refused')
    const behindMs = this.now - machine.observed_at
    if (-behindMs > AHEAD_S * 1_000) return once('refused')
    if (behindMs > OLD_H * HOUR) return once('quarantined')
    const { word, worker } = this.inventory.whose(node, machine)
    if (word === 'none') return once('discovered')
    return word === 'several' ? once('conflict') : { word: 'worker', worker }
  }

  /** A later epoch ends all before; of those that go on speaking, only what they say of the moment counts. */
  #speak(node: ModelNode, epoch: number, ofNow: boolean): void {
    const { spoken } = node
    if (epoch > node.epoch) spoken.clear()
    node.epoch = Math.max(node.epoch, epoch)
    if (!ofNow || this.rules < CLONES) return
    spoken.set(epoch, this.now)
    for (const [other, at] of spoken) if (this.now - at >= LIVE_MS) spoken.delete(other)
    const known = [...spoken.keys()].toSorted((left, right) => left - right)
    if (known.at(-1) !== epoch) node.clones += 1
    for (const lowest of known.slice(0, -LIVE_MOST)) spoken.delete(lowest)
  }

  #quarantine({ hours }: ModelNode): void {
    const hour = this.now - (this.now % HOUR)
    hours.set(hour, (hours.get(hour) ?? 0) + 1)
    const [oldest] = hours.keys()
    if (hours.size > HOURS && oldest !== undefined) hours.delete(oldest)
  }

  #node({ provider_id, location_id, node_id }: FleetNodeName): ModelNode {
    const name = { provider_id, location_id, node_id }
    const known = this.#nodes.get(keyOf(name))
    if (known !== undefined) return known
    const node: ModelNode = {
      name,
      firstSeenAt: this.now,
      numbers: new Numbers(),
      outcomes: new Map(),
      hours: new Map(),
      heartbeatAt: null,
      dataAt: null,
      version: null,
      intervalS: 0,
      epoch: 0,
      spoken: new Map(),
      clones: 0,
    }
    this.#nodes.set(keyOf(name), node)
    return node
  }
}

function keyOf({ provider_id, location_id, node_id }: FleetNodeName): string {
  return [provider_id, location_id, node_id].join('/')
}

function shownNode(node: ModelNode): FleetNode {
  return {
    ...node.name,
    first_seen_at: node.firstSeenAt,
    last_heartbeat_at: node.heartbeatAt,
    last_data_at: node.dataAt,
    software_version: node.version,
    interval_s: node.intervalS,
    epoch: node.epoch,
    ...node.numbers.shown(),
    outcomes: WORDS.flatMap((outcome) => {
      const items = node.outcomes.get(outcome)
      return items === undefined ? [] : [{ outcome, items }]
    }),
    quarantined: [...node.hours].map(([hour, items]) => ({ hour, reason: 'too_old', items })),
    contacts: [...node.spoken]
      .toSorted(([left], [right]) => left - right)
      .map(([epoch, at]) => ({ epoch, at })),
    clone_contacts: node.clones,
  }
}
