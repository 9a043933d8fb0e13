import { fleetNodeCodec, fleetTaskCodec } from '../../schemas/fleet/codecs.ts'
import { inventoryOutcomeCodec } from '../../schemas/fleet/inventory/codecs.ts'
import { DECIDED_OUTCOMES } from '../../schemas/fleet/outcomes.ts'
import type { FleetNode, FleetTask } from '../../schemas/fleet/records.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { RULES } from '../../schemas/since.ts'
import { SECOND_MS } from '../../schemas/units.ts'
import { writeDeadLetter } from '../blocks/dead-letter.ts'
import type { StoreGate } from '../blocks/store-gate.ts'
import type { Clock } from '../clock.ts'
import { isEnd } from '../log/end.ts'
import type { LogRecord, TopicAppend } from '../log/records.ts'
import { isTick } from '../log/tick.ts'
import { TaskLedger } from '../task/ledger.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../task/task.ts'
import { cannotBeDecided, isOfRecords, UndecidedError } from '../task/undecided.ts'
import type { SetAside } from '../task/undecided.ts'
import { AgainBatch } from './again.ts'
import { FleetBatch } from './inbox.ts'
import { InventoryPort } from './inventory/fleet-inventory.ts'
import { InventoryIdentity } from './inventory/identity-rule.ts'
import { Inventory } from './inventory/inventory.ts'
import type { FleetInventory, IdentityRule } from './pages/inventory.ts'
import type { Fields } from './pages/layout.ts'
import { againFailed } from './pages/faces.ts'
import { PageTask } from './pages/page-task.ts'

export interface FleetOptions {
  readonly partition: number
  readonly partitions: number
  readonly topics: {
    readonly fleetInbox: string
    readonly fleetState: string
    readonly fleetBlocks: string
  }
  readonly loadedSeq: (partition: number) => number
  /** Opened for each restore: nothing is decided before the gate lets the task pass. */
  readonly gate: StoreGate
  /** What an end record must carry to end this version of the topics; null while none ends. */
  readonly endToken?: () => Buffer | null
  /** The workers, and whose an item is, where commands of the log do not say it. */
  readonly workers?: { readonly inventory: FleetInventory; readonly identity: IdentityRule<Fields> }
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The task of the fleet: the only writer of what is known of the nodes and machines of its providers. */
export class FleetState implements TaskState {
  readonly #options: FleetOptions
  readonly #nodes = new Map<string, FleetNode>()
  readonly #inventory = new Inventory()
  readonly #ledger: TaskLedger<FleetTask>
  readonly #pages: PageTask
  #pending: FleetBatch | undefined

  constructor(options: FleetOptions) {
    this.#options = options
    const { topics, partition, workers = workersOf(this.#inventory) } = options
    this.#pages = new PageTask({ topic: topics.fleetState, partition, nodes: this.#nodes, ...workers })
    this.#ledger = new TaskLedger({
      ...options,
      inputTopic: topics.fleetInbox,
      stateTopic: topics.fleetState,
      blockTopic: topics.fleetBlocks,
      holds: 'nodes',
      codec: fleetTaskCodec,
      first: newTask(),
      againFrom: ({ position }) => this.#pages.from(position),
      watermarkMsOf: ({ now }) => now,
    })
  }

  restore(record: LogRecord): void {
    const key = record.key?.toString('latin1')
    if (this.#ledger.restore(record) || key === undefined || this.#pages.restore(record, key)) return
    if (this.#inventory.restore(key, record.value) || key.startsWith('!')) return
    if (record.value === null) this.#nodes.delete(key)
    else this.#nodes.set(key, fleetNodeCodec.decode(record.value))
  }

  restored(inputStart: bigint): TaskRestored {
    const { metrics, partition, clock } = this.#options
    this.#pages.restored()
    const position = this.#ledger.restored(inputStart)
    const decidedTo = BigInt(this.#ledger.task.position)
    if (position === decidedTo) this.#pages.caughtUp(this.#place)
    // Until the first tick it has been silent for as long as the task is there.
    metrics.set('hivemeter_fleet_tick_timestamp_seconds', { partition }, clock.nowMs() / SECOND_MS)
    return { position, decidedTo, appends: [], note: null }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    const undecided = await this.#ledger.passes(batch)
    if (undecided !== null) return undecided
    const { partition, partitions } = this.#options
    const { blocks } = this.#ledger
    this.#takeAgain(batch)
    if (Number(batch.nextOffset) <= this.#ledger.task.position)
      return this.#ledger.tookAgain(batch.nextOffset)
    const task = { ...this.#ledger.task }
    const [nodes, inventory, pages] = [this.#nodes, this.#inventory, this.#pages]
    pages.open(blocks)
    const fleet = new FleetBatch({ task, nodes, inventory, blocks, pages, partition, partitions })
    const position = this.#take(fleet, batch, task)
    task.position = Number(position)
    const appends = await this.#write(task, fleet)
    this.#ledger.decided(task)
    this.#pending = fleet
    return { appends, position, groupOpen: blocks.groupOpen, pause: null }
  }

  committed(offsets: readonly bigint[]): TaskCommitted {
    const { metrics, partition, topics } = this.#options
    const pending = this.#pending
    this.#pending = undefined
    this.#ledger.blocks.acknowledged(offsets)
    const place = { topic: topics.fleetInbox, partition }
    metrics.set('hivemeter_watermark_timestamp_seconds', place, this.#ledger.task.now / SECOND_MS)
    if (pending === undefined) return { deleteStateBefore: null }
    const { gatewayTickMs } = pending
    if (gatewayTickMs !== null)
      metrics.set('hivemeter_fleet_tick_timestamp_seconds', { partition }, gatewayTickMs / SECOND_MS)
    for (const outcome of DECIDED_OUTCOMES)
      metrics.count('hivemeter_fleet_items_total', { outcome }, pending.counts[outcome])
    metrics.count('hivemeter_fleet_items_lost_total', {}, pending.lost)
    metrics.count('hivemeter_fleet_clone_contacts_total', {}, pending.cloneContacts)
    for (const { letter } of pending.dead)
      metrics.count('hivemeter_dead_letters_total', { reason: letter.problems[0]?.code ?? 'malformed' })
    return { deleteStateBefore: null }
  }

  dispose(): void {
    this.#nodes.clear()
    this.#inventory.clear()
  }

  get #place(): string {
    return `${this.#options.topics.fleetInbox}[${this.#options.partition}]`
  }

  /** What the task has decided already is taken in again by the pages that are behind, and nothing is written for it. */
  #takeAgain({ records, nextOffset }: TaskBatch): void {
    const { task } = this.#ledger
    const again = new AgainBatch({ ...this.#options, pages: this.#pages })
    for (const record of records) {
      if (!this.#ledger.isAgain(record)) break
      try {
        again.apply(record)
      } catch (error) {
        throw isOfRecords(error) ? againFailed(`${this.#place} at offset ${record.offset}`, error) : error
      }
    }
    if (Number(nextOffset) >= task.position) this.#pages.caughtUp(this.#place)
  }

  /** Takes in the records, up to one that ends the partition. Returns the position after them. */
  #take(fleet: FleetBatch, { records, nextOffset, setAside }: TaskBatch, task: FleetTask): bigint {
    for (const record of records) {
      if (this.#ledger.isAgain(record)) continue
      if (isEnd(record, this.#options.endToken)) {
        task.now = Math.max(task.now, record.timestampMs)
        task.ended = true
        return record.offset + 1n
      }
      const aside = setAside?.find(({ offset }) => offset === record.offset)
      try {
        if (aside === undefined) fleet.apply(record)
        else this.#setAside(fleet, record, aside)
      } catch (error) {
        throw isOfRecords(error) ? new UndecidedError(record.offset, null, error) : error
      }
    }
    return nextOffset
  }

  /** A batch or a heartbeat that `decide` fails at again and again concerns nothing but itself. */
  #setAside(fleet: FleetBatch, record: LogRecord, { detail }: SetAside): void {
    if (isTick(record, RULES)) throw cannotBeDecided(`${this.#place} at offset ${record.offset}`, detail)
    fleet.setAsideUndecided(record, detail)
    this.#pages.setAside(record.offset)
  }

  async #write(task: FleetTask, fleet: FleetBatch): Promise<TopicAppend[]> {
    const { topics, partition } = this.#options
    const { blocks } = this.#ledger
    for (const { letter, atMs } of fleet.dead) writeDeadLetter(blocks, topics.fleetInbox, letter, atMs)
    const endGroup = fleet.ticked || task.ended
    const appends = await this.#ledger.finish(task, { logTimeMs: task.now, endGroup })
    for (const [key, node] of fleet.changed)
      appends.push({ topic: topics.fleetState, partition, key, value: fleetNodeCodec.encode(node) })
    const { written, gone } = this.#inventory.takeChanges()
    for (const [key, value] of written) appends.push({ topic: topics.fleetState, partition, key, value })
    for (const { key, outcome } of fleet.outcomes)
      appends.push({
        topic: topics.fleetState,
        partition,
        key,
        value: inventoryOutcomeCodec.encode(outcome),
      })
    for (const key of gone) appends.push({ topic: topics.fleetState, partition, key, value: null })
    appends.push(...(await this.#pages.appends(task.position, task.now)))
    appends.push(this.#ledger.record(task))
    return appends
  }
}

/** The workers as commands have made them. */
function workersOf(inventory: Inventory): NonNullable<FleetOptions['workers']> {
  const port = new InventoryPort(inventory)
  return { inventory: port, identity: new InventoryIdentity(inventory, port) }
}

function newTask(): FleetTask {
  return {
    position: 0,
    next_seq: 1,
    now: 0,
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
    since: [],
  }
}
