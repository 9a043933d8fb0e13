import { Book } from '../../../pipelines/fleet/inventory/book.ts'
import { entityFrom, isEntityKind } from '../../../pipelines/fleet/inventory/entity.ts'
import type { Entity } from '../../../pipelines/fleet/inventory/entity.ts'
import { STATE_KEY } from '../../../schemas/avro.ts'
import { fleetEntityCodec } from '../../../schemas/fleet/inventory/codecs.ts'
import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { unknownCode } from '../../../schemas/fleet/inventory/records.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Caller } from '../../http/caller.ts'
import { ForeignNode } from '../../http/foreign-node.ts'
import { Problem } from '../../http/problem.ts'
import { unavailable } from '../../http/refusal.ts'
import { RETRY_LOADING_S } from '../../http/retry-after.ts'
import type { FollowedState } from '../present/present.ts'
import type { StateRecord } from '../present/accounts.ts'

import { accessTo } from './provider-access.ts'
import type { ProviderAccess } from './provider-access.ts'
import { AllPresentWorkers } from './standing/present-workers.ts'

/** The newest version of an entity that has not ended. */
export interface PresentEntity {
  readonly id: string
  readonly version: Version & { readonly body: Body }
}

/** A provider's inventory, what a caller may do with it, and the partition that its records are on. */
export interface OpenedInventory {
  readonly access: ProviderAccess
  readonly book: Book
  readonly partition: number
}

/** The inventories as of the moment a request arrives. */
export class InventoryPresent {
  /** What the same state says of their workers. */
  readonly workers = new AllPresentWorkers()
  /** By provider. */
  readonly #books = new Map<string, Book>()
  readonly #partitions: number
  #table: FollowedState | undefined

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  /** The table that follows fleet.state, which is made after this. */
  follow(table: FollowedState): void {
    this.#table = table
  }

  /** Takes a record of fleet.state, in the order of its partition. */
  apply(record: StateRecord): void {
    const { key, value } = record
    const name = key?.toString('latin1') ?? ''
    if (!name.startsWith(STATE_KEY.inventory)) return this.workers.apply(record)
    if (value !== null) {
      const entity = entityFrom(fleetEntityCodec.decode(value))
      const book = this.#open(entity.provider)
      this.#books.set(entity.provider, book)
      book.restore(entity)
      return
    }
    const [, provider = '', kind = '', id = ''] = name.split('/')
    if (isEntityKind(kind)) this.#books.get(provider)?.forget(kind, id)
  }

  /**
   * The newest version. Throws a Problem: 404 where there is none, it has ended, or it is not for the caller, after the same
   * work; 503 while the table loads.
   */
  async entity(caller: Caller, providerId: string, kind: EntityKind, id: string): Promise<PresentEntity> {
    await this.#arrive(providerId)
    const access = accessTo(caller, providerId)
    const book = this.#open(providerId)
    const found = book.entity(kind, id)
    const present = found === undefined ? null : presentOf(found)
    const unknown = new Problem(unknownCode(kind), `There is no such ${kind} in this inventory.`)
    if (access === null) throw new ForeignNode(providerId, unknown)
    if (found === undefined || present === null || !access.sees(book, found)) throw unknown
    return present
  }

  /** What the caller may do with a provider's inventory; throws a Problem (404) where it must not know the provider. */
  async access(caller: Caller, providerId: string): Promise<ProviderAccess> {
    await this.#arrive(providerId)
    const access = accessTo(caller, providerId)
    if (access !== null) return access
    throw new ForeignNode(providerId, new Problem('unknown_provider', 'There is no such provider.'))
  }

  /** A provider's inventory, for a caller that may know the provider. Throws as `access` does. */
  async opened(caller: Caller, providerId: string): Promise<OpenedInventory> {
    const access = await this.access(caller, providerId)
    return { access, book: this.#open(providerId), partition: partitionOfNode(providerId, this.#partitions) }
  }

  /** Up to `limit` entities of a kind after `id`, by id, of those that the caller may see. */
  async after(
    caller: Caller,
    providerId: string,
    kind: EntityKind,
    id: string,
    limit: number,
  ): Promise<PresentEntity[]> {
    const { sees } = await this.access(caller, providerId)
    const book = this.#open(providerId)
    // Of a million entities most are not among the first: they cost one comparison each.
    const found: PresentEntity[] = []
    for (const one of book.all(kind)) {
      const last = found.length < limit ? undefined : found.at(-1)
      if (one.id <= id || (last !== undefined && one.id > last.id) || !sees(book, one)) continue
      const present = presentOf(one)
      if (present === null) continue
      if (last !== undefined) found.pop()
      found.splice(placeIn(found, present.id), 0, present)
    }
    return found
  }

  /** An empty one is not kept: any name may be asked for. */
  #open(providerId: string): Book {
    return this.#books.get(providerId) ?? new Book(providerId)
  }

  async #arrive(providerId: string): Promise<void> {
    if (this.#table?.loaded !== true)
      throw unavailable(
        'state_loading',
        'The inventories are being read from the log. Ask again in a moment; /readyz says when.',
        RETRY_LOADING_S,
      )
    await this.#table.reach(partitionOfNode(providerId, this.#partitions))
  }
}

/** Where an id belongs in a list that is sorted by id. */
function placeIn(found: readonly PresentEntity[], id: string): number {
  let [low, high] = [0, found.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((found[middle]?.id ?? id) < id) low = middle + 1
    else high = middle
  }
  return low
}

function presentOf({ id, versions }: Entity): PresentEntity | null {
  const version = versions.at(-1)
  return version === undefined || version.body === null
    ? null
    : { id, version: { ...version, body: version.body } }
}
