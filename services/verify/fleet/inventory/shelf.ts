import type { EntityKind } from '../../../../schemas/fleet/inventory/fields.ts'

/** The fields of a version. */
export type Said = Readonly<Record<string, unknown>>

/** A version as the check has it; null says that the entity is gone. */
export interface Edition {
  readonly version: number
  readonly from: number
  /** Infinity: for good. */
  readonly to: number
  readonly knownAt: number
  readonly knownOffset: number
  readonly by: string
  readonly said: Said | null
}

/** An entity with all versions that it ever had. */
export interface Item {
  readonly kind: EntityKind
  readonly id: string
  readonly editions: Edition[]
  /** All that it was ever looked up by. */
  readonly marks: Set<string>
}

/** What an entity is at a time, by all that is known. */
export function sayingAt({ editions }: Pick<Item, 'editions'>, time: number): Said | null {
  return editions.findLast(({ from, to }) => from <= time && time < to)?.said ?? null
}

/** The times at which an entity can become another. */
export function turnsOf({ editions }: Pick<Item, 'editions'>): number[] {
  const turns = editions.flatMap(({ from, to }) => [from, to])
  return [...new Set(turns)].filter(Number.isFinite).toSorted((left, right) => left - right)
}

/** Everything that a provider ever had, by kind and id, and what it is looked up by. */
export class Shelf {
  readonly #byKind = new Map<EntityKind, Map<string, Item>>()
  readonly #marked = new Map<string, Set<Item>>()

  item(kind: EntityKind, id: unknown): Item | undefined {
    return this.#byKind.get(kind)?.get(String(id))
  }

  count(kind: EntityKind): number {
    return this.#byKind.get(kind)?.size ?? 0
  }

  ofKind(kind: EntityKind): Iterable<Item> {
    return this.#byKind.get(kind)?.values() ?? []
  }

  said(kind: EntityKind, id: unknown, time: number): Said | null {
    const item = this.item(kind, id)
    return item === undefined ? null : sayingAt(item, time)
  }

  put(kind: EntityKind, id: string, edition: Edition, marks: readonly string[]): void {
    const item = this.item(kind, id) ?? { kind, id, editions: [], marks: new Set() }
    const items = this.#byKind.get(kind) ?? new Map<string, Item>()
    this.#byKind.set(kind, items.set(id, item))
    item.editions.push(edition)
    for (const mark of marks) {
      item.marks.add(mark)
      this.#marked.set(mark, (this.#marked.get(mark) ?? new Set()).add(item))
    }
  }

  /** The entities that ever had a mark. */
  marked(mark: string): Iterable<Item> {
    return this.#marked.get(mark) ?? []
  }

  remove(kind: EntityKind, id: string): void {
    const item = this.item(kind, id)
    this.#byKind.get(kind)?.delete(id)
    for (const mark of item?.marks ?? []) {
      const items = this.#marked.get(mark)
      if (item !== undefined) items?.delete(item)
      if (items?.size === 0) this.#marked.delete(mark)
    }
  }

  *all(): Iterable<Item> {
    for (const items of this.#byKind.values()) yield* items.values()
  }
}
