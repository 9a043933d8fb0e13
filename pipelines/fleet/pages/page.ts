import type { FleetItem } from '../../../schemas/fleet/records.ts'
import { valueAt } from '../live/memory.ts'
import type { Span } from '../live/listening.ts'
import type { Origin, Place } from '../live/sample.ts'
import { NOT_COMMISSIONED } from '../slots/placement.ts'
import type { Placement } from '../slots/placement.ts'
import { SLOT_MS } from '../slots/slot.ts'
import {
  applyCurrent,
  applyFailedPoll,
  commission,
  fireTimers,
  isCommissioned,
  reconsider,
  retire,
  schedule,
  wake,
} from '../status/apply.ts'
import { classOf } from '../status/counts.ts'
import type { Class } from '../status/counts.ts'
import type { Decision } from '../status/decisions.ts'
import { failedPollOf, readingOf } from './account-reading.ts'
import { partsOf } from './complete-parts.ts'
import type { PageContexts } from './contexts.ts'
import { justBefore } from './hearing.ts'
import type { PlacedWorker, ProviderInventory } from './inventory.ts'
import { PAGE_WORKERS } from './layout.ts'
import type { Columns, Fields } from './layout.ts'
import type { Listening } from './listening.ts'
import { livePollOf, liveSampleOf } from './live-sample.ts'
import { bytesOfState, emptyState, PHASES, stateOfBytes } from './page-state.ts'
import type { FleetPageState } from './page-state.ts'
import { outcomeOf } from './outcome.ts'
import type { PageOutcome } from './outcome.ts'
import type { PageSink, WorkerAt } from './sink.ts'

/** What a page works with. */
export interface PageParts {
  readonly providerId: string
  readonly number: number
  readonly inventory: ProviderInventory
  readonly contexts: PageContexts
  readonly listening: Pick<Listening, 'hasSlot'>
  readonly leaseFields: Fields
}

/** An item of a worker of the page, at its place in the log. */
export interface PageItem {
  readonly index: number
  readonly item: FleetItem
  readonly label: 'holder' | 'shadow' | 'misplaced'
  /** How often its node asks each machine, seconds. */
  readonly intervalS: number
  readonly origin: Origin
  readonly place: Place
}

/** A rule of the engine failed on an item: the item is set aside, and changes nothing. */
class RuleError extends Error {}

function judged(apply: () => readonly Decision[]): readonly Decision[] {
  try {
    return apply()
  } catch (error) {
    throw new RuleError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** When a worker was told of what, as its face says it. */
export interface Standing extends Class {
  readonly statusSinceMs: number
  readonly reasonSinceMs: number
  readonly version: number
}

/**
 * A page of 256 workers of one provider, in both planes. It is a function of the records that were applied to it and of
 * versions by offset: it has no clock, and asks nothing that is not as it was at its place in the log. So a page that is
 * restored from before the task's position, and gets the records in between again, is the page that was lost.
 *
 * The caller calls `advance` with the time of every record before it applies the record, where the page has something due
 * by then.
 */
export class FleetPage {
  readonly providerId: string
  readonly number: number
  /** Nothing is due before. It may be earlier than it need be. */
  dueMs = Number.NEGATIVE_INFINITY
  readonly #parts: PageParts
  readonly #state: FleetPageState
  /** Versions of the inventory that came with records at or below this offset are known. */
  #knownTo = -1
  /** What was heard of nodes up to this place in the log is known. */
  #heardTo = -1
  /** Places that are held. */
  #held: number

  constructor(parts: PageParts, from: { readonly nowMs: number } | { readonly bytes: Buffer }) {
    this.#parts = parts
    this.providerId = parts.providerId
    this.number = parts.number
    const { inventory, leaseFields, listening, number: page } = parts
    const placement: Placement = {
      groupAt: (index, atMs) => inventory.groupAt({ page, index }, atMs, this.#knownTo),
      isComplete: (index, slot, nowMs) => {
        const node = inventory.nodeAt({ page, index }, slot * SLOT_MS, this.#knownTo)
        return node !== null && listening.hasSlot(node, slot, nowMs, this.#knownTo)
      },
    }
    this.#state =
      'bytes' in from
        ? stateOfBytes(from.bytes, leaseFields, placement)
        : emptyState(from.nowMs, leaseFields, placement)
    this.#held = this.#state.places.phase.filter((phase) => phase !== PHASES.free).length
  }

  /** The columns of the rule of identity, which may change them. */
  get lease(): Columns<Fields> {
    return this.#state.lease
  }

  /** Whether no place is held: the page need not be kept. */
  get isEmpty(): boolean {
    return this.#held === 0
  }

  /** The page's own bytes, from which it can be made again. */
  encode(): Buffer {
    return bytesOfState(this.#state)
  }

  /** How a worker stands now; null where none is commissioned. */
  standing(index: number): Standing | null {
    const { live } = this.#state
    const of = classOf(live, index)
    if (of === null) return null
    return {
      ...of,
      statusSinceMs: valueAt(live.status.statusSinceMs, index),
      reasonSinceMs: valueAt(live.status.reasonSinceMs, index),
      version: valueAt(live.status.version, index),
    }
  }

  /**
   * A record of log time `nowMs` comes at `offset`: slots settle, rows leave, workers begin and end, timers fire, each as of
   * its due time.
   */
  advance(nowMs: number, offset: number, sink: PageSink): void {
    const { account, live, places } = this.#state
    this.#knownTo = offset - 1
    this.#heardTo = justBefore(offset)
    account.advance(nowMs)
    this.#leave(sink)
    for (let index = 0; index < PAGE_WORKERS; index++) {
      if (valueAt(places.edgeMs, index) <= nowMs) this.#passEdges(index, nowMs, sink)
      while (valueAt(live.status.dueMs, index) <= nowMs) this.#fire(index, nowMs, sink)
    }
    this.#setDue()
  }

  /**
   * A record changed what the inventory says of a place: a worker begins there, or what holds for it changes. It follows
   * `advance` to the record's time.
   */
  takeUp(index: number, at: Place, sink: PageSink): void {
    const { account, live, places } = this.#state
    this.#knownTo = Number(at.offset)
    this.#heardTo = this.#knownTo
    const worker = this.#workerAt(index)
    if (worker === null || worker.freedAtMs <= at.nowMs) return
    account.advance(at.nowMs)
    if (valueAt(places.born, index) !== worker.bornOffset + 1) this.#begin(index, worker, sink)
    account.configure(index, worker)
    this.#setEdge(index, worker)
    this.#passEdges(index, at.nowMs, sink)
    if (isCommissioned(live, index)) {
      this.#tell(index, reconsider(live, index, at, this.#contextAt(index, at.nowMs)), sink)
    }
    this.#leave(sink)
    this.#setDue()
  }

  /** Applies an item to its worker, after `advance` to the record's time. Null where the place is nobody's. */
  apply(item: PageItem, sink: PageSink): PageOutcome | null {
    const { account, places } = this.#state
    const { index, place, label } = item
    if (valueAt(places.phase, index) === PHASES.free) return null
    this.#among(place)
    account.advance(place.nowMs)
    try {
      const isTaken = label !== 'shadow' && this.#applyLive(item, sink)
      return outcomeOf(label, isTaken, this.#applyAccount(item))
    } catch (error) {
      // The live plane comes first and leaves nothing of a sample on which a rule fails, so neither plane has it.
      if (!(error instanceof RuleError)) throw error
      return { outcome: 'refused', hasEffect: false, fault: error.message }
    } finally {
      this.#leave(sink)
    }
  }

  /** The node holds nothing of these spans back any more: what is missing there of its workers was never heard. */
  complete(nodeKey: string, spans: readonly Span[], at: Place, sink: PageSink): void {
    const { account, places } = this.#state
    const { inventory, number: page } = this.#parts
    this.#among(at)
    for (let index = 0; index < PAGE_WORKERS; index++) {
      if (valueAt(places.phase, index) === PHASES.free || !account.hasHoles(index)) continue
      account.advance(at.nowMs)
      const isOwn = (atMs: number): boolean =>
        inventory.nodeAt({ page, index }, atMs, this.#knownTo) === nodeKey
      account.complete(index, (holes) => partsOf(holes, spans, isOwn))
    }
    this.#leave(sink)
  }

  /** What is heard of a node has changed: its workers' timers are looked at. Null: of all nodes. */
  wakeNode(nodeKey: string | null, nowMs: number, knownTo: number): void {
    const { live } = this.#state
    for (let index = 0; index < PAGE_WORKERS; index++) {
      if (!isCommissioned(live, index)) continue
      const own = this.#parts.inventory.nodeAt({ page: this.number, index }, nowMs, knownTo)
      if (nodeKey !== null && own !== nodeKey) continue
      wake(live, index, nowMs)
      this.dueMs = Math.min(this.dueMs, nowMs)
    }
  }

  #applyLive({ index, item, origin, place }: PageItem, sink: PageSink): boolean {
    const { live } = this.#state
    const { sample, poll } = item
    if (sample !== null) {
      const before = valueAt(live.live.sampleMs, index)
      const context = this.#contextAt(index, sample.observed_at)
      const taken = judged(() => applyCurrent(live, index, liveSampleOf(sample), origin, place, context))
      this.#tell(index, taken, sink)
      this.#scheduleNow(index, place.nowMs, context)
      return valueAt(live.live.sampleMs, index) !== before
    }
    const failed = poll === null ? null : livePollOf(poll)
    if (failed === null) return false
    const before = valueAt(live.status.heardMs, index)
    const context = this.#contextAt(index, failed.tMs)
    const taken = judged(() => applyFailedPoll(live, index, failed, origin, place, context))
    this.#tell(index, taken, sink)
    this.#scheduleNow(index, place.nowMs, context)
    return valueAt(live.status.heardMs, index) !== before
  }

  /** An item is judged by the versions of its own time; what is due next is due by those of now. */
  #scheduleNow(index: number, nowMs: number, used: unknown): void {
    const { live } = this.#state
    const context = this.#contextAt(index, nowMs)
    if (context !== used && isCommissioned(live, index)) schedule(live, index, context)
    this.dueMs = Math.min(this.dueMs, valueAt(live.status.dueMs, index))
  }

  #applyAccount({
    index,
    item,
    label,
    intervalS,
  }: PageItem): ReturnType<FleetPageState['account']['apply']> | null {
    const { account } = this.#state
    const sending = { intervalS, isShadow: label === 'shadow' }
    if (item.sample !== null) {
      const { observed_at: tMs } = item.sample
      const context = this.#parts.contexts.ofInventory(index, tMs, this.#knownTo)
      return account.apply(index, readingOf(item.sample, context, sending))
    }
    const failed = item.poll === null ? null : failedPollOf(item.poll, sending)
    return failed === null ? null : account.failedPoll(index, failed)
  }

  #fire(index: number, nowMs: number, sink: PageSink): void {
    const { live } = this.#state
    const contextAt = (atMs: number) => this.#contextAt(index, atMs)
    this.#tell(index, fireTimers(live, index, nowMs, contextAt), sink)
  }

  /** The steps of a worker's life that are due, each as of its time. One that the inventory has forgotten is over. */
  #passEdges(index: number, nowMs: number, sink: PageSink): void {
    const { places } = this.#state
    for (;;) {
      const atMs = valueAt(places.edgeMs, index)
      if (atMs > nowMs) return
      const worker = this.#workerAt(index)
      if (worker === null) this.#free(index, sink)
      else this.#step(index, worker, atMs, sink)
      this.#setEdge(index, worker)
    }
  }

  #step(index: number, worker: PlacedWorker, atMs: number, sink: PageSink): void {
    const { live, places } = this.#state
    const phase = valueAt(places.phase, index)
    if (phase === PHASES.retired) return this.#free(index, sink)
    if (phase === PHASES.waiting && worker.commissionedAtMs < worker.retiredAtMs) {
      places.phase[index] = PHASES.commissioned
      const place = { nowMs: atMs, offset: BigInt(worker.bornOffset), index: 0 }
      return this.#tell(index, commission(live, index, place, this.#contextAt(index, atMs)), sink)
    }
    while (valueAt(live.status.dueMs, index) <= atMs) this.#fire(index, atMs, sink)
    places.phase[index] = PHASES.retired
    if (!isCommissioned(live, index)) return
    retire(live, index)
    sink.retired(this.#worker(index, worker))
  }

  /** The place may be another's. */
  #free(index: number, sink: PageSink): void {
    const { account, live, places } = this.#state
    account.release(index)
    this.#leave(sink)
    if (isCommissioned(live, index)) retire(live, index)
    places.phase[index] = PHASES.free
    places.born[index] = 0
    this.#held--
  }

  /** A worker gets the place; the one before is forgotten. */
  #begin(index: number, worker: PlacedWorker, sink: PageSink): void {
    const { lease, places } = this.#state
    if (valueAt(places.phase, index) !== PHASES.free) this.#free(index, sink)
    this.#held++
    for (const column of Object.values(lease)) {
      if (column instanceof BigInt64Array) column[index] = 0n
      else column[index] = 0
    }
    places.born[index] = worker.bornOffset + 1
    places.phase[index] = PHASES.waiting
  }

  #setEdge(index: number, worker: PlacedWorker | null): void {
    const { places } = this.#state
    const phase = valueAt(places.phase, index)
    if (worker === null || phase === PHASES.free) places.edgeMs[index] = Number.POSITIVE_INFINITY
    else if (phase === PHASES.waiting)
      places.edgeMs[index] = Math.min(worker.commissionedAtMs, worker.retiredAtMs)
    else places.edgeMs[index] = phase === PHASES.retired ? worker.freedAtMs : worker.retiredAtMs
  }

  /** Among the items of a record the versions that they themselves make are not known: none depends on their order. */
  #among({ offset }: Place): void {
    this.#heardTo = Number(offset)
    this.#knownTo = this.#heardTo - 1
  }

  #workerAt(index: number): PlacedWorker | null {
    return this.#parts.inventory.workerAt({ page: this.number, index }, this.#knownTo)
  }

  #contextAt(index: number, atMs: number) {
    return this.#parts.contexts.at(index, atMs, this.#knownTo, this.#heardTo)
  }

  #worker(index: number, { workerId }: PlacedWorker): WorkerAt {
    return { providerId: this.providerId, page: this.number, index, workerId }
  }

  #tell(index: number, decisions: readonly Decision[], sink: PageSink): void {
    if (decisions.length === 0) return
    const worker = this.#workerAt(index)
    if (worker === null) throw new Error(`Page ${this.number} of ${this.providerId} decided about nobody.`)
    for (const decision of decisions) sink.decision(this.#worker(index, worker), decision)
  }

  /** Hands on the rows that have left the account plane. */
  #leave(sink: PageSink): void {
    const { cells, minutes } = this.#state.account.take()
    const { inventory } = this.#parts
    for (const delta of cells) {
      const place = { page: this.number, index: delta.worker }
      const group = inventory.groupAt(place, delta.cellMs, this.#knownTo)
      const worker = this.#workerAt(delta.worker)
      if (worker === null || group === NOT_COMMISSIONED) continue
      sink.cell(this.#worker(delta.worker, worker), inventory.groupOf(group), delta)
    }
    for (const sums of minutes) sink.minute(this.providerId, inventory.groupOf(sums.group), sums)
  }

  #setDue(): void {
    const { account, live, places } = this.#state
    let dueMs = Number.POSITIVE_INFINITY
    for (let index = 0; index < PAGE_WORKERS; index++) {
      dueMs = Math.min(dueMs, valueAt(places.edgeMs, index), valueAt(live.status.dueMs, index))
    }
    this.dueMs = this.isEmpty ? dueMs : Math.min(dueMs, account.nextMinuteMs)
  }
}
