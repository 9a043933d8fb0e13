import type { Book } from '../../../../pipelines/fleet/inventory/book.ts'
import { mapInTurns } from '../../../../pipelines/in-turns.ts'
import type { Clock } from '../../../../pipelines/clock.ts'
import { EDGE_MS } from '../../../../schemas/fleet/inventory/bounds.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'
import type { Caller } from '../../../http/caller.ts'
import type { InventoryPresent, OpenedInventory } from '../inventory-present.ts'
import { containersIn, matcherOf } from './fleet-filter.ts'
import type { FleetFilter } from './fleet-filter.ts'
import type { PresentWorkers } from './present-workers.ts'
import { registeredAt } from './registered.ts'
import type { Registered } from './registered.ts'
import type { Standing } from './standing.ts'

const WORKERS_PER_TURN = 2_000

/**
 * So long a fleet of one filter is answered for again, unless the inventory changed: to look at a hundred thousand workers takes tens of
 * milliseconds, and many look at the same ones.
 */
export const FLEET_KEPT_MS = 500

/** So many are kept; the oldest go. */
export const FLEETS_KEPT_MAX = 64

/** Without a tick of a gateway for so long, nobody knows what machines do: answers say that they are stale. */
export const STALE_AFTER_MS = 90 * SECOND_MS

/** The workers of a provider that a caller may see, and how present what is known of them is. */
export interface Fleet {
  readonly standings: readonly Standing[]
  /** Log time as of which the oldest of the readings counts; null where there is none. */
  readonly asOfMs: number | null
  readonly isStale: boolean
}

interface KeptFleet {
  readonly book: Book
  readonly revision: number
  readonly atMs: number
  readonly fleet: Promise<Fleet>
}

interface KeptList {
  readonly revision: number
  readonly edge: number
  readonly list: Promise<readonly Registered[]>
}

/** The fleets of all providers as of the moment of a request. */
export class Fleets {
  readonly #inventory: InventoryPresent
  readonly #clock: Clock
  readonly #lists = new WeakMap<Book, KeptList>()
  /** By provider, filter and customers, in the order in which they were made. */
  readonly #fleets = new Map<string, KeptFleet>()

  constructor(inventory: InventoryPresent, clock: Clock) {
    this.#inventory = inventory
    this.#clock = clock
  }

  /**
   * The workers of a provider that match, by their ids. Throws a Problem: 404 where the caller must not know the provider, 503
   * while the table loads. A customer sees the machines that are assigned to it now.
   */
  async of(
    caller: Caller,
    providerId: string,
    { algorithm, location, container, customer }: FleetFilter,
    pause: () => Promise<void>,
  ): Promise<Fleet> {
    const filter = { algorithm, location, container, customer }
    const opened = await this.#inventory.opened(caller, providerId)
    const { book, access } = opened
    const key = JSON.stringify([providerId, filter, access.customers && [...access.customers].toSorted()])
    const atMs = this.#clock.monotonicMs()
    const kept = this.#fleets.get(key)
    const isFresh = kept?.book === book && kept.revision === book.revision && atMs - kept.atMs < FLEET_KEPT_MS
    if (isFresh) return await kept.fleet
    const fleet = this.#made(opened, filter, pause)
    this.#fleets.delete(key)
    this.#fleets.set(key, { book, revision: book.revision, atMs, fleet })
    const [oldest] = this.#fleets.keys()
    if (this.#fleets.size > FLEETS_KEPT_MAX && oldest !== undefined) this.#fleets.delete(oldest)
    return await fleet
  }

  async #made(
    { access, book, partition }: OpenedInventory,
    filter: FleetFilter,
    pause: () => Promise<void>,
  ): Promise<Fleet> {
    const nowMs = this.#clock.nowMs()
    const containers = containersIn(book, filter.container, nowMs)
    const matches = matcherOf(filter, containers)
    const registered = await this.#registered(book, nowMs, pause)
    const seen = registered.filter(
      (one) =>
        matches(one) &&
        (access.customers === null || (one.customer !== null && access.customers.has(one.customer))),
    )
    const workers = this.#inventory.workers.of(book.provider)
    const standings = await mapInTurns(seen, { itemsPerTurn: WORKERS_PER_TURN, pause }, (one) =>
      workers.standing(one),
    )
    const heardMs = this.#inventory.workers.heardMs(partition)
    return {
      standings,
      asOfMs: asOfMs(seen, workers),
      isStale: heardMs !== null && nowMs - heardMs > STALE_AFTER_MS,
    }
  }

  /** The whole list is made anew when the inventory changes, and at each edge, where something that was planned may take effect. */
  #registered(book: Book, nowMs: number, pause: () => Promise<void>): Promise<readonly Registered[]> {
    const edge = Math.floor(nowMs / EDGE_MS)
    const kept = this.#lists.get(book)
    if (kept !== undefined && kept.revision === book.revision && kept.edge === edge) return kept.list
    const workers = [...book.all('worker')].toSorted((left, right) => (left.id < right.id ? -1 : 1))
    const list = mapInTurns(workers, { itemsPerTurn: WORKERS_PER_TURN, pause }, (worker) =>
      registeredAt(book, nowMs, worker),
    ).then((all) => all.filter((one) => one !== null))
    this.#lists.set(book, { revision: book.revision, edge, list })
    return list
  }
}

function asOfMs(registered: readonly Registered[], workers: PresentWorkers): number | null {
  let oldest: number | null = null
  for (const { place, isCommissioned } of registered) {
    const page = isCommissioned ? workers.pageOf(place) : null
    if (page !== null && (oldest === null || page.asOfMs < oldest)) oldest = page.asOfMs
  }
  return oldest
}
