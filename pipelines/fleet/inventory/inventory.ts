import { schemaIdOf, SCHEMA_ID, STATE_KEY } from '../../../schemas/avro.ts'
import { CHANGED_KEPT_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import {
  entityKey,
  fleetEntityCodec,
  inventoryOutcomeCodec,
} from '../../../schemas/fleet/inventory/codecs.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import { Book } from './book.ts'
import type { Made } from './decide.ts'
import { entityFrom, entityRecord, isEntityKind } from './entity.ts'
import type { Entity } from './entity.ts'
import { Gone } from './gone.ts'
import { InventoryOutcomes } from './outcomes.ts'
import { forgottenAtMs, keptMsOf, KNOWN_ALL } from './versions.ts'

/** Full hours of log time after the one in which it could be: the pages' rows of a worker leave within an hour of its end. */
const FORGOTTEN_HOURS_LATER = 2

/** The log time at which memory forgets what is needed until `dueMs`. */
export function forgottenOnMs(dueMs: number): number {
  return (hourOf(dueMs) + FORGOTTEN_HOURS_LATER) * HOUR_MS
}

/** The inventories of all providers of a partition, as fleet.state has them, and what of them changed and is not written yet. */
export class Inventory {
  readonly #books = new Map<string, Book>()
  readonly #gone = new Gone()
  readonly outcomes = new InventoryOutcomes(this.#gone)
  /** Entities that changed since the last `takeChanges`, by their key. */
  readonly #changed = new Map<string, Entity>()
  /** Versions that were made of items, and are no rows yet. */
  #made: { readonly providerId: string; readonly made: Made }[] = []
  /** Entities by the hour of log time in which something of them is to be forgotten. */
  readonly #dueByHour = new Map<number, Set<Entity>>()
  /** Entities by the offset of the record that changed them, of the last hour of log time; oldest first. */
  readonly #byOffset = new Map<number, { readonly atMs: number; readonly entities: Entity[] }>()
  #hour = 0

  /** The book of a provider that has ever had anything in it. */
  book(providerId: string): Book | undefined {
    return this.#books.get(providerId)
  }

  /** The book of a provider; a new one is empty. */
  open(providerId: string): Book {
    const known = this.#books.get(providerId)
    if (known !== undefined) return known
    const made = new Book(providerId)
    this.#books.set(providerId, made)
    return made
  }

  /** Takes a record of fleet.state; false where it is none of the inventory's. */
  restore(key: string, value: Buffer | null): boolean {
    if (key.startsWith(STATE_KEY.inventory)) this.#restoreEntity(key, value)
    else if (key.startsWith(STATE_KEY.commands)) this.#restoreOutcome(key, value)
    else return false
    return true
  }

  /** Before a record is applied: forgets what log time alone ends. */
  passTime(nowMs: number): void {
    this.outcomes.forgetDue(nowMs)
    const hour = hourOf(nowMs)
    if (hour <= this.#hour) return
    this.#hour = hour
    for (const [due, entities] of this.#dueByHour) {
      if (due > hour) continue
      this.#dueByHour.delete(due)
      for (const entity of entities) this.#forget(entity, (hour - FORGOTTEN_HOURS_LATER + 1) * HOUR_MS - 1)
    }
    for (const [offset, { atMs }] of this.#byOffset)
      if (atMs <= nowMs - CHANGED_KEPT_MS) this.#byOffset.delete(offset)
  }

  /** Adds the versions that a record made. */
  add(providerId: string, made: readonly Made[]): void {
    const book = this.open(providerId)
    for (const { kind, id, version } of made) {
      const entity = book.add(kind, id, version)
      book.prune(entity, version.known_at)
      const key = keyOf(entity)
      this.#gone.cancel(key)
      this.#changed.set(key, entity)
      this.#await(entity)
      this.#note(entity, version.known_offset, version.known_at)
    }
  }

  /** Adds versions that items have made, whose rows `takeMade` asks for. */
  addOfItems(providerId: string, made: readonly Made[]): void {
    this.add(providerId, made)
    for (const one of made) this.#made.push({ providerId, made: one })
  }

  /** The versions that items have made since the last call. */
  takeMade(): readonly { readonly providerId: string; readonly made: Made }[] {
    if (this.#made.length === 0) return []
    const taken = this.#made
    this.#made = []
    return taken
  }

  /** The entities that a record at this offset changed, where it is of the last hour. */
  changedBy(offset: number): readonly Entity[] {
    return this.#byOffset.get(offset)?.entities ?? []
  }

  /** Records of fleet.state for what changed since the last call, and the keys of those that go. */
  takeChanges(): {
    readonly written: readonly (readonly [string, Buffer])[]
    readonly gone: readonly string[]
  } {
    const written = [...this.#changed].map(
      ([key, entity]) => [key, fleetEntityCodec.encode(entityRecord(entity))] as const,
    )
    this.#changed.clear()
    return { written, gone: this.#gone.take() }
  }

  clear(): void {
    this.#books.clear()
  }

  #restoreEntity(key: string, value: Buffer | null): void {
    const [, provider = '', kind = '', id = ''] = key.split('/')
    if (value === null) {
      if (isEntityKind(kind)) this.book(provider)?.forget(kind, id)
      return
    }
    const entity = entityFrom(fleetEntityCodec.decode(value))
    this.open(entity.provider).restore(entity)
    this.#await(entity)
    for (const { known_offset, known_at } of entity.versions) this.#note(entity, known_offset, known_at)
  }

  #restoreOutcome(key: string, value: Buffer | null): void {
    if (value === null) return this.outcomes.delete(key)
    if (schemaIdOf(value) !== SCHEMA_ID.inventoryOutcome) return
    this.outcomes.set(key.split('/')[1] ?? '', key, inventoryOutcomeCodec.decode(value))
  }

  #forget(entity: Entity, nowMs: number): void {
    if (entity.versions.length === 0) return
    const key = keyOf(entity)
    this.open(entity.provider).prune(entity, nowMs)
    // Its record keeps what was dropped until the entity changes: thousands may be due in one hour.
    if (entity.versions.length > 0) return this.#await(entity)
    this.#changed.delete(key)
    this.#gone.add(key)
  }

  #await(entity: Entity): void {
    const dueMs = forgottenAtMs(entity.versions, keptMsOf(entity.kind))
    if (dueMs === KNOWN_ALL) return
    const hour = Math.max(hourOf(dueMs) + FORGOTTEN_HOURS_LATER, this.#hour + 1)
    const due = this.#dueByHour.get(hour)
    if (due === undefined) this.#dueByHour.set(hour, new Set([entity]))
    else due.add(entity)
  }

  #note(entity: Entity, offset: number, atMs: number): void {
    const noted = this.#byOffset.get(offset)
    if (noted === undefined) this.#byOffset.set(offset, { atMs, entities: [entity] })
    else if (!noted.entities.includes(entity)) noted.entities.push(entity)
  }
}

function keyOf({ provider, kind, id }: Entity): string {
  return entityKey({ provider_id: provider, entity: kind, entity_id: id })
}

function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS)
}
