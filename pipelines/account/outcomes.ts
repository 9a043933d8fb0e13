import { STATE_KEY } from '../../schemas/avro.ts'
import type { Outcome } from '../../schemas/records.ts'

/** Outcomes that are kept for a node's commands, a day each. */
export const OUTCOMES_PER_NODE_MAX = 1_000

/** Outcomes that are forgotten with one batch at most, so that none grows large by it. */
export const FORGOTTEN_PER_BATCH_MAX = 1_000

const MINUTE_MS = 60_000

/** The key of a command's outcome in node.state. */
export function outcomeKey(nodeId: string, commandId: string): string {
  return `${STATE_KEY.commands}${nodeId}/${commandId}`
}

/** What became of commands, until log time passes `until`: a repeat gets the same answer. */
export class Outcomes {
  readonly #outcomes = new Map<string, Outcome>()
  readonly #counted = new Map<string, number>()
  /** Keys by the minute after which they may be forgotten. */
  readonly #byMinute = new Map<number, Set<string>>()

  get size(): number {
    return this.#outcomes.size
  }

  of(key: string): Outcome | undefined {
    return this.#outcomes.get(key)
  }

  /** Whether a node has as many as it may. */
  isFull(nodeId: string): boolean {
    return (this.#counted.get(nodeId) ?? 0) >= OUTCOMES_PER_NODE_MAX
  }

  set(key: string, outcome: Outcome): void {
    this.delete(key)
    this.#outcomes.set(key, outcome)
    if (outcome.is_counted) this.#count(key, 1)
    const minute = minuteAfter(outcome)
    const keys = this.#byMinute.get(minute)
    if (keys === undefined) this.#byMinute.set(minute, new Set([key]))
    else keys.add(key)
  }

  /** Forgets one; true if it was there. */
  delete(key: string): boolean {
    const outcome = this.#outcomes.get(key)
    if (outcome === undefined) return false
    this.#outcomes.delete(key)
    if (outcome.is_counted) this.#count(key, -1)
    const minute = minuteAfter(outcome)
    const keys = this.#byMinute.get(minute)
    keys?.delete(key)
    if (keys?.size === 0) this.#byMinute.delete(minute)
    return true
  }

  /** Forgets what is due at log time `nowMs`, oldest first; returns the keys that need a tombstone. */
  forgetDue(nowMs: number): string[] {
    const due: string[] = []
    const minutes = [...this.#byMinute.keys()].filter((minute) => minute * MINUTE_MS <= nowMs)
    for (const minute of minutes.toSorted((left, right) => left - right)) {
      for (const key of this.#byMinute.get(minute) ?? []) {
        if (due.length >= FORGOTTEN_PER_BATCH_MAX) return due
        due.push(key)
        this.delete(key)
      }
    }
    return due
  }

  #count(key: string, by: number): void {
    const nodeId = key.slice(STATE_KEY.commands.length, key.lastIndexOf('/'))
    const count = (this.#counted.get(nodeId) ?? 0) + by
    if (count === 0) this.#counted.delete(nodeId)
    else this.#counted.set(nodeId, count)
  }
}

function minuteAfter(outcome: Outcome): number {
  return Math.floor(outcome.until / MINUTE_MS) + 1
}
