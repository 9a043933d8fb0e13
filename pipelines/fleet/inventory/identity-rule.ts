import type { Claim, IdentityRule, Named, WorkerPlace } from '../pages/inventory.ts'
import type { Columns } from '../pages/layout.ts'
import { PAGE_WORKERS } from '../pages/layout.ts'
import type { BookPort, InventoryPort } from './fleet-inventory.ts'
import type { Inventory } from './inventory.ts'
import { forgetNews, lease, LEASE_FIELDS } from './lease.ts'
import { namedBy } from './named.ts'
import type { NamedWorker, Told } from './named.ts'
import { conflictVersions, identityVersions, isInConflict } from './task-versions.ts'
import { isMisplaced } from './where.ts'

/** The rule of identity and lease, over the inventory's versions and the columns of pages. */
export class InventoryIdentity implements IdentityRule<typeof LEASE_FIELDS> {
  readonly fields = LEASE_FIELDS
  readonly #inventory: Inventory
  readonly #port: InventoryPort

  constructor(inventory: Inventory, port: InventoryPort) {
    this.#inventory = inventory
    this.#port = port
  }

  named(claim: Claim): Named {
    const port = this.#port.of(claim.providerId)
    const named = port === null ? null : namedOf(port, claim)
    if (port === null || named === null || named.by === 'none') return { by: 'none' }
    const ids = named.by === 'one' ? [named.worker] : named.workers
    const places = ids.flatMap((id) => port.placeOf(id) ?? [])
    const [place] = places
    if (place === undefined) return { by: 'none' }
    return named.by === 'one' ? { by: 'one', place } : { by: 'several', places }
  }

  label(
    claim: Claim,
    place: WorkerPlace,
    columns: Columns<typeof LEASE_FIELDS>,
    heardMs: (sinceMs: number) => number,
  ): 'holder' | 'shadow' | 'conflict' | 'misplaced' {
    const port = this.#port.of(claim.providerId)
    const knownTo = claim.offset - 1
    const placed = port?.workerAt(place, knownTo) ?? null
    if (port === null || placed === null) return 'shadow'
    const { workerId, intervalS } = placed
    const named = namedOf(port, claim)
    const { index } = place
    const { label, isNewsBelieved } = lease(columns, {
      index,
      nodeKey: claim.nodeKey,
      told: toldOf(claim),
      news: named.by === 'one' ? named.news : null,
      atMs: claim.tMs,
      nowMs: claim.nowMs,
      intervalS,
      heardMs,
    })
    if (label === 'conflict') this.#conflict(port, claim, workerId)
    if (isNewsBelieved && named.by === 'one' && named.news !== null) {
      const made = identityVersions(port.book, workerId, named.news, claim)
      this.#inventory.addOfItems(claim.providerId, made)
      forgetNews(columns, index)
    }
    if (label === 'holder' && isInConflict(port.book, workerId, claim)) return 'conflict'
    const at = { atMs: claim.tMs, knownTo }
    return label === 'holder' && isMisplaced(port.book, workerId, claim.locationId, at) ? 'misplaced' : label
  }

  conflicted(claim: Claim, places: readonly WorkerPlace[]): void {
    const port = this.#port.of(claim.providerId)
    if (port === null) return
    for (const { page, index } of places) {
      const id = port.book.places.holderOf(page * PAGE_WORKERS + index)
      if (id !== undefined) this.#conflict(port, claim, id)
    }
  }

  #conflict({ book }: BookPort, claim: Claim, workerId: string): void {
    this.#inventory.addOfItems(claim.providerId, conflictVersions(book, workerId, claim))
  }
}

function namedOf({ book }: BookPort, claim: Claim): NamedWorker {
  const nodeId = claim.nodeKey.slice(claim.nodeKey.lastIndexOf('/') + 1)
  return namedBy(book, toldOf(claim), nodeId, { atMs: claim.tMs, knownTo: claim.offset - 1 })
}

function toldOf({ serial, mac, macArp, address }: Claim): Told {
  return { serial, mac, mac_arp: macArp, address }
}
