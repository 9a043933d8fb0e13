import type { Entity } from './entity.ts'

/** Entities by key. Most keys have one entity, which then stands there without a set of its own. */
export class Keyed {
  readonly #found = new Map<string, Entity | Set<Entity>>()

  add(key: string, entity: Entity): void {
    const found = this.#found.get(key)
    if (found === undefined) this.#found.set(key, entity)
    else if (found instanceof Set) found.add(entity)
    else if (found !== entity) this.#found.set(key, new Set([found, entity]))
  }

  /** The entities under a key, in the order in which they came. */
  *under(key: string): Iterable<Entity> {
    const found = this.#found.get(key)
    if (found instanceof Set) yield* found
    else if (found !== undefined) yield found
  }

  delete(key: string, entity: Entity): void {
    const found = this.#found.get(key)
    if (found === entity) this.#found.delete(key)
    if (!(found instanceof Set)) return
    found.delete(entity)
    if (found.size === 0) this.#found.delete(key)
  }
}
