import type { FleetHearing } from '../../../schemas/fleet/page-records.ts'
import type { FleetNode, Span as SentSpan } from '../../../schemas/fleet/records.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { LISTENING_MS, listenedAt } from '../live/listening.ts'
import type { Span } from '../live/listening.ts'
import type { NodeHearing } from '../status/context.ts'
import { DEFAULT_THRESHOLDS } from '../status/thresholds.ts'
import { CompleteMarks } from './complete-marks.ts'
import { Hearing, hearingOf, justBefore } from './hearing.ts'

/** Stands for the gateways where a node is named: no node has this name. */
export const GATEWAYS = ''

/** Whose hearing changed: a node as `fleetNodeKey` writes it, or `GATEWAYS`, which concern all workers. */
export type Source = string

/**
 * Which nodes are heard, and whether the gateways are: what all pages ask before they say that a worker is silent. A
 * silence counts while we listen only: ticks of gateways at most 90 s apart. The rest is time in which we ourselves heard
 * nothing, and no worker's status changes because of it.
 *
 * It is decided at the task's own position and written with its transaction. Where input is taken in again, it is only
 * read: the spans of that part of the log are there.
 */
export class Listening {
  readonly #hearings = new Map<Source, Hearing>()
  readonly #marks = new Map<Source, CompleteMarks>()
  readonly #nodes: ReadonlyMap<Source, FleetNode>
  readonly #hasWorkers: (providerId: string) => boolean
  readonly #known = new Map<Source, NodeHearing & { readonly from: readonly unknown[] }>()
  #heardAtMs: number | null = null
  #setAside = new Set<number>()
  /** No node begins to be deaf before. */
  #dueMs = Number.NEGATIVE_INFINITY
  readonly #changed = new Set<Source>()
  readonly #changedBy = new Map<number, Source[]>()

  /** `nodes`: what is known of all nodes, in place; only those of providers that have workers are listened to. */
  constructor(nodes: ReadonlyMap<Source, FleetNode>, hasWorkers: (providerId: string) => boolean) {
    this.#nodes = nodes
    this.#hasWorkers = hasWorkers
    this.#hearings.set(GATEWAYS, new Hearing())
  }

  /** Takes in a record of fleet.state. */
  restore(source: Source, { spans, complete, heard_at, set_aside }: FleetHearing): void {
    this.#hearings.set(source, new Hearing(spans))
    this.#marks.set(source, new CompleteMarks(complete))
    for (const { from_offset, to_offset } of spans) {
      this.#note(source, from_offset)
      if (to_offset !== null) this.#note(source, to_offset)
    }
    if (source !== GATEWAYS) return
    this.#heardAtMs = heard_at
    this.#setAside = new Set(set_aside)
  }

  /** Workers came, perhaps those of a provider that had none: its nodes are looked at. */
  lookAgain(): void {
    this.#dueMs = Number.NEGATIVE_INFINITY
  }

  /** Before a record of log time `nowMs` at `offset`: who began to be deaf or silent until then. */
  pass(nowMs: number, offset: number): void {
    if (nowMs <= this.#dueMs) return
    const gateways = this.#of(GATEWAYS)
    const heardAtMs = this.#heardAtMs ?? Number.POSITIVE_INFINITY
    if (nowMs > heardAtMs + LISTENING_MS && !gateways.isOpen('deaf')) {
      this.#begin(GATEWAYS, 'deaf', heardAtMs + LISTENING_MS, offset)
    }
    const blind = gateways.deaf(justBefore(offset))
    let dueMs = heardAtMs + LISTENING_MS
    if (gateways.isOpen('deaf')) dueMs = Number.POSITIVE_INFINITY
    for (const [key, node] of this.#nodes) {
      if (!this.#hasWorkers(node.provider_id)) continue
      const contactMs = Math.max(node.last_heartbeat_at ?? 0, node.last_data_at ?? 0)
      if (contactMs === 0) continue
      const deafAtMs = contactMs + LISTENING_MS
      const silentAtMs = listenedAt(contactMs, silenceMs(node), blind)
      const hearing = this.#hearings.get(key)
      if (hearing?.isOpen('deaf') !== true) {
        if (nowMs > deafAtMs) this.#begin(key, 'deaf', deafAtMs, offset)
        else dueMs = Math.min(dueMs, deafAtMs)
      }
      if (hearing?.isOpen('silent') === true) continue
      if (silentAtMs <= nowMs) this.#begin(key, 'silent', silentAtMs, offset)
      // Due at a time, not after it.
      else dueMs = Math.min(dueMs, silentAtMs - 1)
    }
    this.#dueMs = dueMs
  }

  /** A node, or a gateway, is heard with the record at `offset`. */
  contact(source: Source, nowMs: number, offset: number): void {
    if (source === GATEWAYS) this.#heardAtMs = nowMs
    // A node that is heard again is looked at again; so is all that waited for the gateways.
    this.#dueMs = Math.min(this.#dueMs, nowMs + LISTENING_MS)
    if (this.#hearings.get(source)?.end(nowMs, offset) === true) this.#note(source, offset)
    else if (source !== GATEWAYS) return
    this.#changed.add(source)
    if (source === GATEWAYS) this.#dueMs = Number.NEGATIVE_INFINITY
  }

  /** A node says with the record at `offset` that it holds nothing of these spans back any more. */
  complete(node: Source, spans: readonly SentSpan[], nowMs: number, offset: number): void {
    if (spans.length === 0) return
    let marks = this.#marks.get(node)
    if (marks === undefined) this.#marks.set(node, (marks = new CompleteMarks()))
    if (marks.tell(spans, nowMs, offset)) this.#changed.add(node)
  }

  /** What the record at `offset` has made complete, in whole slots. */
  saidWith(node: Source, offset: number, nowMs: number): readonly Span[] {
    return this.#marks.get(node)?.saidWith(offset, nowMs) ?? []
  }

  /** Whether a node had said, as is known at a place in the log, that it holds nothing of a slot back. */
  hasSlot(node: Source, slot: number, nowMs: number, knownTo: number): boolean {
    return this.#marks.get(node)?.hasSlot(slot, nowMs, knownTo) === true
  }

  /** Nobody is there for whom gateways are listened to: the next tick is the first one again. */
  forgetGateways(nowMs: number, offset: number): void {
    if (this.#heardAtMs === null) return
    this.#of(GATEWAYS).end(nowMs, offset)
    this.#heardAtMs = null
    this.#changed.add(GATEWAYS)
  }

  /** A record is set aside since it cannot be decided: where it is taken in again, no page takes it. */
  setAside(offset: number): void {
    this.#setAside.add(offset)
    this.#changed.add(GATEWAYS)
  }

  isSetAside(offset: number): boolean {
    return this.#setAside.has(offset)
  }

  /** Whose hearing changed just before the record at exactly this offset, or with it. */
  changedBy(offset: number): readonly Source[] {
    return this.#changedBy.get(offset) ?? []
  }

  /** What is known of a worker's node, and of the gateways, at a place in the log. Null: no node is assigned. */
  hearing(nodeKey: string | null, knownTo: number): NodeHearing {
    const node = nodeKey === null ? null : (this.#hearings.get(nodeKey) ?? null)
    const gateways = this.#of(GATEWAYS)
    const from = [node?.deaf(knownTo), node?.silence(knownTo)?.toMs, gateways.deaf(knownTo)]
    const known = this.#known.get(nodeKey ?? GATEWAYS)
    if (known?.from.every((one, index) => one === from[index]) === true) return known
    const hearing = { ...hearingOf(node, gateways, knownTo), from }
    this.#known.set(nodeKey ?? GATEWAYS, hearing)
    return hearing
  }

  /**
   * The records that changed since the last call; what no page at or above the offset `lowest`, at or after the log time
   * `lowestMs`, can ask for is forgotten.
   */
  takeChanged(lowest: number, lowestMs: number): (readonly [Source, FleetHearing])[] {
    for (const offset of this.#changedBy.keys()) if (offset < lowest) this.#changedBy.delete(offset)
    for (const offset of this.#setAside) if (offset < lowest) this.#setAside.delete(offset)
    const changed = [...this.#changed].map((source) => {
      const hearing = this.#of(source)
      const marks = this.#marks.get(source)
      hearing.forgetBefore(lowest)
      marks?.forgetBefore(lowest, lowestMs)
      const isGateways = source === GATEWAYS
      return [
        source,
        {
          spans: hearing.spans,
          complete: marks?.all ?? [],
          heard_at: isGateways ? this.#heardAtMs : null,
          set_aside: isGateways ? [...this.#setAside] : [],
        },
      ] as const
    })
    this.#changed.clear()
    return changed
  }

  #begin(source: Source, kind: 'deaf' | 'silent', fromMs: number, offset: number): void {
    this.#of(source).begin(kind, fromMs, offset)
    this.#note(source, offset)
    this.#changed.add(source)
  }

  #note(source: Source, offset: number): void {
    const known = this.#changedBy.get(offset)
    if (known === undefined) this.#changedBy.set(offset, [source])
    else if (!known.includes(source)) known.push(source)
  }

  #of(source: Source): Hearing {
    let hearing = this.#hearings.get(source)
    if (hearing === undefined) this.#hearings.set(source, (hearing = new Hearing()))
    return hearing
  }
}

/** How long a node may be silent. */
function silenceMs({ interval_s }: FleetNode): number {
  const { silenceMs: leastMs, silenceIntervals } = DEFAULT_THRESHOLDS
  return Math.max(leastMs, silenceIntervals * interval_s * SECOND_MS)
}
