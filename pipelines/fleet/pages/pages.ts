import type { FleetItem, FleetNodeName } from '../../../schemas/fleet/records.ts'
import { fleetNodeKey } from '../../../schemas/fleet/codecs.ts'
import { heardBetween } from '../live/listening.ts'
import type { Place } from '../live/sample.ts'
import { PageContexts } from './contexts.ts'
import type { Claim, FleetInventory, IdentityRule, WorkerPlace } from './inventory.ts'
import type { PageName } from './keys.ts'
import type { Fields } from './layout.ts'
import { GATEWAYS } from './listening.ts'
import type { Listening } from './listening.ts'
import type { WorkerOutcome } from './outcome.ts'
import { FleetPage } from './page.ts'
import type { PageSink } from './sink.ts'

/** What the pages of a partition work with. */
export interface PagesParts {
  readonly inventory: FleetInventory
  readonly identity: IdentityRule<Fields>
  readonly listening: Listening
}

/** A page, and how far it is written. */
export interface KeptPage {
  readonly page: FleetPage
  /** Records below it are applied to the page: above 0 where it was restored ahead of what is taken in again. */
  readonly through: number
  /** Log time of its newest record; null before its first. */
  writtenMs: number | null
  writtenThrough: number
}

/** A batch's node, and the place of the batch in the log. */
export interface Sender extends FleetNodeName {
  readonly epoch: number
  readonly first_seq: number
  readonly interval_s: number
}

/**
 * The pages of all providers of a partition. Records come in their order: `begin` fires what is due before each, `item`
 * and `complete` apply it, `end` takes up what it changed in the inventory. Of input that is taken in again, each page
 * takes what is at or above its own place, and nothing else happens.
 */
export class FleetPages {
  readonly #parts: PagesParts
  readonly #providers = new Map<string, (KeptPage | undefined)[]>()
  #all: KeptPage[] = []
  /** No page has anything due before. */
  #dueMs = Number.NEGATIVE_INFINITY
  #place: Place = { nowMs: 0, offset: -1n, index: 0 }
  #sink: PageSink | null = null

  constructor(parts: PagesParts) {
    this.#parts = parts
  }

  /** Whether a provider has workers. */
  has(providerId: string): boolean {
    return this.#providers.get(providerId)?.some((kept) => kept?.page.isEmpty === false) === true
  }

  /** Whether nobody has workers. */
  get isEmpty(): boolean {
    return this.#all.every(({ page }) => page.isEmpty)
  }

  /** Every page, in no order that means anything. */
  get all(): readonly KeptPage[] {
    return this.#all
  }

  /** A page as fleet.state has it, after the inventory was restored. */
  restore(
    { providerId, page: number }: PageName,
    kept: { readonly bytes: Buffer; readonly through: number; readonly nowMs: number },
  ): void {
    const page = this.#newPage(providerId, number, { bytes: kept.bytes })
    if (page === null) return
    this.#keep({ page, through: kept.through, writtenMs: kept.nowMs, writtenThrough: kept.through })
  }

  /**
   * A record of log time `nowMs` comes at `offset`: what is due until then is decided first. `sink` takes what the pages
   * come to.
   */
  begin(nowMs: number, offset: bigint, sink: PageSink): void {
    this.#place = { nowMs, offset, index: 0 }
    this.#sink = sink
    const at = Number(offset)
    for (const source of this.#parts.listening.changedBy(at)) this.#wake(source, at - 1)
    if (nowMs < this.#dueMs) return
    let dueMs = Number.POSITIVE_INFINITY
    for (const kept of this.#all) {
      const { page } = kept
      if (page.dueMs <= nowMs && this.#isBehind(kept)) page.advance(nowMs, at, sink)
      dueMs = Math.min(dueMs, page.dueMs)
    }
    this.#dueMs = dueMs
  }

  /**
   * Applies item `index` of a batch whose time is one that is accepted. Null where no worker is known for it, or where its
   * page has it already.
   */
  item(sender: Sender, index: number, item: FleetItem): WorkerOutcome | null {
    const machine = item.sample ?? item.poll ?? item.report
    const inventory = this.#parts.inventory.of(sender.provider_id)
    if (machine === null || inventory === null) return null
    const { identity } = this.#parts
    const { nowMs, offset } = this.#place
    const nodeKey = fleetNodeKey(sender)
    const claim: Claim = {
      providerId: sender.provider_id,
      locationId: sender.location_id,
      nodeKey,
      serial: machine.serial,
      mac: machine.mac,
      macArp: machine.mac_arp,
      address: machine.address,
      tMs: machine.observed_at,
      nowMs,
      offset: Number(offset),
    }
    const named = identity.named(claim)
    if (named.by === 'none') return null
    if (named.by === 'several') {
      identity.conflicted(claim, named.places)
      return { outcome: 'conflict', hasEffect: false, workerId: '' }
    }
    const kept = this.#pageAt(sender.provider_id, named.place)
    if (kept === undefined || !this.#isBehind(kept)) return null
    const label = identity.label(claim, named.place, kept.page.lease, (sinceMs) => this.#heardMs(sinceMs))
    const workerId = inventory.workerAt(named.place, Number(offset) - 1)?.workerId ?? ''
    if (label === 'conflict') return { outcome: 'conflict', hasEffect: false, workerId }
    const { epoch, first_seq, interval_s: intervalS } = sender
    const origin = { nodeId: sender.node_id, epoch, seq: first_seq + index }
    const place = { nowMs, offset, index }
    const ofWorker = { index: named.place.index, item, label, intervalS, origin, place }
    const outcome = kept.page.apply(ofWorker, this.#to)
    this.#dueMs = Math.min(this.#dueMs, kept.page.dueMs)
    return outcome === null ? null : { ...outcome, workerId }
  }

  /** A node holds nothing back any more of what the present record says. */
  complete(sender: FleetNodeName): void {
    const key = fleetNodeKey(sender)
    const spans = this.#parts.listening.saidWith(key, Number(this.#place.offset), this.#place.nowMs)
    if (spans.length === 0) return
    for (const kept of this.#providers.get(sender.provider_id) ?? []) {
      if (kept !== undefined && this.#isBehind(kept)) kept.page.complete(key, spans, this.#place, this.#to)
    }
  }

  /** The record ends: the pages take up what it changed. `isNew`: it was never taken in before, and may make pages. */
  end(isNew: boolean): void {
    const { inventory, listening } = this.#parts
    const knownTo = Number(this.#place.offset)
    for (const source of listening.changedBy(knownTo)) this.#wake(source, knownTo)
    const changed = inventory.changedBy(knownTo)
    if (changed.length > 0) listening.lookAgain()
    for (const at of changed) {
      const kept = this.#pageAt(at.providerId, at) ?? (isNew ? this.#make(at) : undefined)
      if (kept === undefined || !this.#isBehind(kept)) continue
      kept.page.takeUp(at.index, this.#place, this.#to)
      this.#dueMs = Math.min(this.#dueMs, kept.page.dueMs)
    }
  }

  /** Forgets a page that holds nobody. */
  drop({ providerId, number }: FleetPage): void {
    this.#all = this.#all.filter(({ page }) => page.providerId !== providerId || page.number !== number)
    const pages = this.#providers.get(providerId)
    if (pages !== undefined) pages[number] = undefined
  }

  get #to(): PageSink {
    if (this.#sink === null) throw new Error('No record has begun.')
    return this.#sink
  }

  /** Whether a page is still to take the record in. */
  #isBehind({ through }: KeptPage): boolean {
    return through <= Number(this.#place.offset)
  }

  #wake(source: string, knownTo: number): void {
    const { nowMs } = this.#place
    for (const kept of this.#all) {
      if (!this.#isBehind(kept)) continue
      const isOwn = source === GATEWAYS || source.startsWith(`${kept.page.providerId}/`)
      if (isOwn) kept.page.wakeNode(source === GATEWAYS ? null : source, nowMs, knownTo)
    }
    this.#dueMs = Math.min(this.#dueMs, nowMs)
  }

  /** For how long gateways were heard since a log time: a node that is silent loses its leases all the same. */
  #heardMs(sinceMs: number): number {
    const { nowMs, offset } = this.#place
    return heardBetween(sinceMs, nowMs, this.#parts.listening.hearing(null, Number(offset)).deaf)
  }

  #pageAt(providerId: string, { page }: Pick<WorkerPlace, 'page'>): KeptPage | undefined {
    return this.#providers.get(providerId)?.[page]
  }

  #make({ providerId, page: number }: PageName): KeptPage | undefined {
    const page = this.#newPage(providerId, number, { nowMs: this.#place.nowMs })
    return page === null ? undefined : this.#keep({ page, through: 0, writtenMs: null, writtenThrough: 0 })
  }

  #newPage(
    providerId: string,
    number: number,
    from: ConstructorParameters<typeof FleetPage>[1],
  ): FleetPage | null {
    const { identity, inventory, listening } = this.#parts
    const ofProvider = inventory.of(providerId)
    if (ofProvider === null) return null
    const contexts = new PageContexts(ofProvider, listening, number)
    const leaseFields = identity.fields
    return new FleetPage(
      { providerId, number, inventory: ofProvider, contexts, listening, leaseFields },
      from,
    )
  }

  #keep(kept: KeptPage): KeptPage {
    const { providerId, number } = kept.page
    const pages = this.#providers.get(providerId) ?? []
    this.#providers.set(providerId, pages)
    pages[number] = kept
    this.#all.push(kept)
    return kept
  }
}
