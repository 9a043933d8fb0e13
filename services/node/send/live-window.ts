import { MINUTE_MS } from '../../../schemas/units.ts'

/** Items are sent live for so long after they were spooled; later they are replayed. */
export const LIVE_MS_MAX = MINUTE_MS
/** Spoolings that are remembered: beyond them the oldest are replayed. */
const MARKS_MAX = 600

/** Which numbers of this epoch are still live. Pure. */
export class LiveWindow {
  readonly #marks: { readonly seq: number; readonly atMs: number }[] = []

  /** Items from this number on were spooled then. */
  spooled(seq: number, atMs: number): void {
    this.#marks.push({ seq, atMs })
    if (this.#marks.length > MARKS_MAX) this.#marks.shift()
  }

  /** The lowest live number, where `next` is the one that is given out next. */
  floor(next: number, nowMs: number): number {
    while ((this.#marks[0]?.atMs ?? nowMs) < nowMs - LIVE_MS_MAX) this.#marks.shift()
    return this.#marks[0]?.seq ?? next
  }
}
