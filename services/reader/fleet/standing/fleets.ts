import type { Book } from '../../../../pipelines/fleet/inventory/book.ts'
import { mapInTurns } from '../../../../pipelines/in-turns.ts'
import type { Clock } from '../../../../pipelines/clock.ts'
import { EDGE_MS } from '../../../../schemas/fleet/inventory/bounds.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'
import type { Caller } from '../../../http/caller.ts'
import type { InventoryPresent } from '../inventory-present.ts'
import { containersIn, matcherOf } from './fleet-filter.ts'
import type { FleetFilter } from './fleet-filter.ts'
import type { PresentWorkers } from './present-workers.ts'
import { registeredAt } from './registered.ts'
import type { Registered } from './registered.ts'
import { standingOf } from './standing.ts'
import type { Standing } from './standing.ts'

const WORKERS_PER_TURN = 2_000

/** Without a tick of a gateway for so long, nobody knows what machines do: answers say that they are stale. */
export const STALE_AFTER_MS = 90 * SECOND_MS

/** The workers of a provider that a caller may see, and how present what is known of them is. */
export interface Fleet {
  readonly providerId: string
  readonly standings: readonly Standing[]
  /** Log time as of which the oldest of the readings counts; null where there is none. */
  readonly asOfMs: number | null
  readonly isStale: boolean
  readonly partition: number
  /** The containers that the filter's one stands for; null where it names none. */
  readonly containers: ReadonlySet<string> | null
  /** Null for a caller that sees all of the provider. */
  readonly customers: ReadonlySet<string> | null
  readonly book: Book
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
    filter: FleetFilter,
    pause: () => Promise<void>,
  ): Promise<Fleet> {
    const { access, book, partition } = await this.#inventory.opened(caller, providerId)
    const nowMs = this.#clock.nowMs()
    const containers = containersIn(book, filter.container, nowMs)
    const matches = matcherOf(filter, containers)
    const registered = await this.#registered(book, nowMs, pause)
    const seen = registered.filter(
      (one) =>
        matches(one) &&
        (access.customers === null || (one.customer !== null && access.customers.has(one.customer))),
    )
    const workers = this.#inventory.workers.of(providerId)
    const standings = await mapInTurns(seen, { itemsPerTurn: WORKERS_PER_TURN, pause }, (one) =>
      standingOf(one, workers),
    )
    const heardMs = this.#inventory.workers.heardMs(partition)
    return {
      providerId,
      standings,
      asOfMs: asOfMs(seen, workers),
      isStale: heardMs !== null && nowMs - heardMs > STALE_AFTER_MS,
      partition,
      containers,
      customers: access.customers,
      book,
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
    )
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
