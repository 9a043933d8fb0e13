import { fleetNodeKey } from '../../../schemas/fleet/codecs.ts'
import { FREED_AFTER_MS } from '../pages/inventory.ts'
import { PAGE_WORKERS } from '../pages/layout.ts'
import type {
  FleetInventory,
  InventoryContext,
  PlacedWorker,
  ProviderInventory,
  ProviderPlace,
  WorkerGroup,
  WorkerPlace,
} from '../pages/inventory.ts'
import { affectedBy } from './affected.ts'
import { numberIn, textIn } from './body.ts'
import type { Book } from './book.ts'
import { contextOf, INTERVAL_S_DEFAULT } from './context.ts'
import type { Entity } from './entity.ts'
import { commissionedOf, groupAt, groupOf } from './groups.ts'
import { forgottenOnMs } from './inventory.ts'
import type { Inventory } from './inventory.ts'
import { textHash } from './text-hash.ts'
import { keptMsOf, piecesOf } from './versions.ts'
import { assignmentAt } from './where.ts'

/** Rows of 5 minutes leave spread over so many seconds. */
const SPREAD_S = 240

/** What the pages ask of the inventory. Answers are those of versions: see the port. */
export class InventoryPort implements FleetInventory {
  readonly #inventory: Inventory
  readonly #providers = new Map<Book, BookPort>()

  constructor(inventory: Inventory) {
    this.#inventory = inventory
  }

  of(providerId: string): BookPort | null {
    const book = this.#inventory.book(providerId)
    if (book === undefined) return null
    const known = this.#providers.get(book)
    if (known !== undefined) return known
    const made = new BookPort(book)
    this.#providers.set(book, made)
    return made
  }

  changedBy(offset: number): readonly ProviderPlace[] {
    const places = new Map<string, ProviderPlace>()
    for (const entity of this.#inventory.changedBy(offset)) {
      const book = this.#inventory.open(entity.provider)
      for (const id of affectedBy(book, entity)) {
        const worker = book.entity('worker', id)
        if (worker === undefined || worker.place < 0) continue
        places.set(`${entity.provider}/${id}`, { providerId: entity.provider, ...placeOf(worker) })
      }
    }
    return [...places.values()]
  }
}

/** A context, and for which questions it is the answer. */
interface Kept {
  readonly context: InventoryContext
  readonly revision: number
  readonly fromMs: number
  /** The offset up to which versions were known, or that of the book's newest version where that is less. */
  readonly known: number
}

/** The workers of one provider, by their places. */
export class BookPort implements ProviderInventory {
  readonly book: Book
  readonly #contexts = new Map<string, Kept>()

  constructor(book: Book) {
    this.book = book
  }

  workerAt(place: WorkerPlace, knownTo: number): PlacedWorker | null {
    const worker = this.#workerOf(place)
    if (worker === null || worker.bornOffset > knownTo) return null
    const { fromMs, toMs } = commissionedOf(this.book, worker.id, knownTo)
    const body = piecesOf(worker.versions, knownTo).at(-1)?.version.body ?? {}
    return {
      workerId: worker.id,
      bornOffset: worker.bornOffset,
      commissionedAtMs: fromMs,
      retiredAtMs: toMs,
      freedAtMs: Math.max(toMs + FREED_AFTER_MS, forgottenOnMs(toMs + keptMsOf('worker'))),
      intervalS: numberIn(body, 'interval_s') ?? INTERVAL_S_DEFAULT,
      spreadS: textHash(worker.id) % SPREAD_S,
    }
  }

  groupAt(place: WorkerPlace, atMs: number, knownTo: number): number {
    const worker = this.#workerOf(place)
    return groupAt(this.book, worker?.id ?? '', atMs, knownTo)
  }

  groupOf(group: number): WorkerGroup {
    return groupOf(this.book, group)
  }

  contextAt(place: WorkerPlace, atMs: number, knownTo: number): InventoryContext {
    const id = this.#workerOf(place)?.id ?? ''
    const { revision, newestOffset } = this.book
    // To all that know every version it is the same, however far they have come in the log.
    const known = Math.min(knownTo, newestOffset)
    const kept = this.#contexts.get(id)
    const isAnswer =
      kept?.revision === revision &&
      kept.known === known &&
      kept.fromMs <= atMs &&
      atMs < kept.context.changesAtMs
    if (isAnswer) return kept.context
    const context = contextOf(this.book, id, { atMs, knownTo })
    this.#contexts.set(id, { context, revision, fromMs: atMs, known })
    return context
  }

  nodeAt(place: WorkerPlace, atMs: number, knownTo: number): string | null {
    const assignment = assignmentAt(this.book, this.#workerOf(place)?.id ?? '', atMs, knownTo) ?? {}
    const [location_id, node_id] = [textIn(assignment, 'location'), textIn(assignment, 'node')]
    if (location_id === null || node_id === null) return null
    return fleetNodeKey({ provider_id: this.book.provider, location_id, node_id })
  }

  /** The place of a worker; null where it has none. */
  placeOf(workerId: string): WorkerPlace | null {
    const worker = this.book.entity('worker', workerId)
    return worker === undefined || worker.place < 0 ? null : placeOf(worker)
  }

  #workerOf({ page, index }: WorkerPlace): Entity | null {
    const id = this.book.places.holderOf(page * PAGE_WORKERS + index)
    return (id === undefined ? null : this.book.entity('worker', id)) ?? null
  }
}

function placeOf({ place }: Entity): WorkerPlace {
  return { page: Math.floor(place / PAGE_WORKERS), index: place % PAGE_WORKERS }
}
