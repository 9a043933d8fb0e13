import { SLOT } from './reading.ts'

const KEPT_MS = 720_000
const AHEAD_MS = 60_000
const MARKS = 256
const SLOT_MS = SLOT * 1_000

interface Mark {
  readonly from: number
  readonly to: number
  readonly at: number
}

/** What nodes have said to hold nothing back of, in the last minutes. */
export class Marks {
  readonly #of = new Map<string, Mark[]>()

  /** Takes in what a record says; returns which slots became complete with it, together with what was said before. */
  say(
    node: string,
    spans: readonly { readonly from: number; readonly to: number }[],
    nowMs: number,
  ): (slot: number) => boolean {
    const young = this.#young(node, nowMs)
    const said = spans
      .slice(0, Math.max(0, MARKS - young.length))
      .map(({ from, to }) => ({ from, to, at: nowMs }))
    this.#of.set(node, [...young, ...said])
    return (slot) => {
      const [from, to] = [slot * SLOT_MS, (slot + 1) * SLOT_MS]
      return said.some((mark) => mark.from < to && mark.to > from) && this.has(node, slot, nowMs)
    }
  }

  /** Whether all of a slot was said. */
  has(node: string, slot: number, nowMs: number): boolean {
    const ends = this.#young(node, nowMs).map(
      ({ from, to }) => [from, Math.min(to, nowMs + AHEAD_MS)] as const,
    )
    let reached = slot * SLOT_MS
    for (const [from, to] of ends.toSorted(([left], [right]) => left - right)) {
      if (from <= reached) reached = Math.max(reached, to)
    }
    return reached >= (slot + 1) * SLOT_MS
  }

  #young(node: string, nowMs: number): Mark[] {
    return (this.#of.get(node) ?? []).filter(({ at }) => at >= nowMs - KEPT_MS)
  }
}
