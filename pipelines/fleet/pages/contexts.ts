import type { NodeHearing, WorkerContext } from '../status/context.ts'
import { PAGE_WORKERS } from './layout.ts'
import type { InventoryContext, ProviderInventory } from './inventory.ts'
import type { Listening } from './listening.ts'

interface Known {
  readonly inventory: InventoryContext
  readonly node: NodeHearing
  readonly whole: WorkerContext
}

/** What the inventory says of the workers of a page, together with what is heard of their nodes. */
export class PageContexts {
  readonly #inventory: ProviderInventory
  readonly #listening: Listening
  readonly #page: number
  /** The last context of each worker: mostly nothing has changed since. */
  readonly #known: (Known | undefined)[] = Array.from({ length: PAGE_WORKERS })

  constructor(inventory: ProviderInventory, listening: Listening, page: number) {
    this.#inventory = inventory
    this.#listening = listening
    this.#page = page
  }

  /** What the inventory alone says: all that the account plane asks for. */
  ofInventory(index: number, atMs: number, knownTo: number): InventoryContext {
    return this.#inventory.contextAt({ page: this.#page, index }, atMs, knownTo)
  }

  /**
   * By the versions valid at `atMs` of those that came with records at or below `knownTo`, and by what was heard of the
   * node up to `heardTo`, a place in the log.
   */
  at(index: number, atMs: number, knownTo: number, heardTo: number): WorkerContext {
    const inventory = this.ofInventory(index, atMs, knownTo)
    const nodeKey = this.#inventory.nodeAt({ page: this.#page, index }, atMs, knownTo)
    const node = this.#listening.hearing(nodeKey, heardTo)
    const known = this.#known[index]
    if (known?.inventory === inventory && known.node === node) return known.whole
    const whole = { ...inventory, node }
    this.#known[index] = { inventory, node, whole }
    return whole
  }
}
