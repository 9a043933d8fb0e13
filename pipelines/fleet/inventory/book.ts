import { ENTITY_KINDS } from '../../../schemas/fleet/inventory/fields.ts'
import type { EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'
import type { Entity } from './entity.ts'
import { keysOf } from './index-keys.ts'
import { Keyed } from './keyed.ts'
import { Places } from './places.ts'
import { keptMsOf, keptOf, KNOWN_ALL, versionAt } from './versions.ts'

/** The inventory of one provider: its entities by id and by what else they are found by. It decides nothing. */
export class Book {
  readonly provider: string
  /** Numbers of workers in pages. */
  readonly places = new Places()
  /** Numbers of locations and containers, which the pages sum workers by. */
  readonly sites = new Places()
  /** Rises with every change. */
  revision = 0
  /** Of the records that brought a version, the last one. */
  newestOffset = 0
  readonly #byKind = new Map<EntityKind, Map<string, Entity>>(ENTITY_KINDS.map((kind) => [kind, new Map()]))
  readonly #keyed = new Keyed()

  constructor(provider: string) {
    this.provider = provider
  }

  get isEmpty(): boolean {
    return [...this.#byKind.values()].every(({ size }) => size === 0)
  }

  entity(kind: EntityKind, id: string): Entity | undefined {
    return this.#byKind.get(kind)?.get(id)
  }

  /** All entities of a kind, in the order in which they came. */
  all(kind: EntityKind): Iterable<Entity> {
    return this.#byKind.get(kind)?.values() ?? []
  }

  count(kind: EntityKind): number {
    return this.#byKind.get(kind)?.size ?? 0
  }

  /** The entities that have had this key in any version that is kept. */
  keyed(key: string): Iterable<Entity> {
    return this.#keyed.under(key)
  }

  /** The version of an entity that holds at a time; null where there is none. */
  at(kind: EntityKind, id: string | null, atMs: number, knownTo = KNOWN_ALL): Version | null {
    const entity = id === null ? undefined : this.entity(kind, id)
    return entity === undefined ? null : versionAt(entity.versions, atMs, knownTo)
  }

  /** Takes an entity as the state has it. */
  restore(entity: Entity): void {
    this.forget(entity.kind, entity.id)
    this.revision += 1
    this.#byKind.get(entity.kind)?.set(entity.id, entity)
    for (const version of entity.versions) this.#index(entity, version)
    if (entity.place >= 0) this.#placesOf(entity.kind)?.hold(entity.place, entity.id)
  }

  /** Adds a version, to a new entity where there is none of this id, and returns it. A new worker or site gets a place. */
  add(kind: EntityKind, id: string, version: Version): Entity {
    this.revision += 1
    const known = this.entity(kind, id)
    if (known !== undefined) {
      known.versions = [...known.versions, version]
      this.#index(known, version)
      return known
    }
    const place = this.#placesOf(kind)?.take(id) ?? -1
    const bornOffset = place < 0 ? 0 : version.known_offset
    const made = { provider: this.provider, kind, id, place, bornOffset, versions: [version] }
    this.#byKind.get(kind)?.set(id, made)
    this.#index(made, version)
    return made
  }

  /** Drops the versions of an entity that are needed no more at log time `nowMs`. */
  prune(entity: Entity, nowMs: number): void {
    const kept = keptOf(entity.versions, nowMs, keptMsOf(entity.kind))
    if (kept.length === entity.versions.length) return
    if (kept.length === 0) return this.forget(entity.kind, entity.id)
    const keys = new Set(
      entity.versions.flatMap(({ body }) => (body === null ? [] : keysOf(entity.kind, body))),
    )
    entity.versions = kept
    for (const version of kept) {
      if (version.body !== null) for (const key of keysOf(entity.kind, version.body)) keys.delete(key)
    }
    for (const key of keys) this.#keyed.delete(key, entity)
  }

  /** Drops an entity. */
  forget(kind: EntityKind, id: string): void {
    const entity = this.entity(kind, id)
    if (entity === undefined) return
    this.#byKind.get(kind)?.delete(id)
    for (const { body } of entity.versions)
      if (body !== null) for (const key of keysOf(kind, body)) this.#keyed.delete(key, entity)
    if (entity.place >= 0) this.#placesOf(kind)?.give(entity.place, id)
    entity.versions = []
    this.revision += 1
  }

  #placesOf(kind: EntityKind): Places | undefined {
    if (kind === 'worker') return this.places
    return kind === 'location' || kind === 'container' ? this.sites : undefined
  }

  #index(entity: Entity, { body, known_offset }: Version): void {
    this.newestOffset = Math.max(this.newestOffset, known_offset)
    if (body !== null) for (const key of keysOf(entity.kind, body)) this.#keyed.add(key, entity)
  }
}
