import { STATE_KEY } from '../../schemas/avro.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import type { CommandOutcome, Done, Refused } from '../../schemas/commands/outcome.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/**
 * Outcomes of one credential's commands about a node that are kept, for a day each. Its releases have as many places of
 * their own.
 */
export const OUTCOMES_PER_CREDENTIAL_MAX = 1_000

/**
 * Outcomes of all credentials about a node. Those of admins are counted apart, with the same bound, so that no other
 * caller's writes lead to the refusal of an admin's.
 */
export const OUTCOMES_PER_NODE_MAX = 5_000

/** Most outcomes that are forgotten with one batch, so that forgetting does not make a batch large. */
export const FORGOTTEN_PER_BATCH_MAX = 1_000

/** The key of a command's outcome in node.state. */
export function outcomeKey(nodeId: string, commandId: string): string {
  return `${STATE_KEY.commands}${nodeId}/${commandId}`
}

/** The outcomes of commands, kept until log time passes the minute of `until`: a repeat gets the same answer. */
export class Outcomes {
  readonly #outcomes = new Map<string, CommandOutcome>()
  /** How many there are at each place of `placesOf`. */
  readonly #counted = new Map<string, number>()
  /** Keys by the minute in which they expire. */
  readonly #byMinute = new Map<number, Set<string>>()
  /** Keys that have expired and whose tombstone is not written yet. */
  readonly #over = new Set<string>()
  #minute = 0

  get size(): number {
    return this.#outcomes.size
  }

  /** The answer to a repeat at log time `nowMs`. */
  of(key: string, nowMs: number): CommandOutcome | undefined {
    this.#expire(nowMs)
    return this.#outcomes.get(key)
  }

  /** Whether a node has as many outcomes of this caller as are kept for a day, at log time `nowMs`. */
  isFull(nodeId: string, origin: OutcomeOrigin, nowMs: number): boolean {
    this.#expire(nowMs)
    return placesOf(nodeId, origin).some(({ place, most }) => (this.#counted.get(place) ?? 0) >= most)
  }

  set(key: string, outcome: CommandOutcome): void {
    this.delete(key)
    this.#over.delete(key)
    this.#outcomes.set(key, { ...outcome, body_hash: ownBytes(outcome.body_hash) })
    if (outcome.is_counted) this.#count(key, outcome, 1)
    const minute = minuteAfter(outcome)
    // What has already expired when it is added expires at once.
    if (minute <= this.#minute) this.#minute = minute - 1
    const keys = this.#byMinute.get(minute)
    if (keys === undefined) this.#byMinute.set(minute, new Set([key]))
    else keys.add(key)
  }

  /** Forgets one outcome; true if it was there. */
  delete(key: string): boolean {
    const outcome = this.#outcomes.get(key)
    if (outcome === undefined) return false
    this.#outcomes.delete(key)
    if (outcome.is_counted) this.#count(key, outcome, -1)
    const minute = minuteAfter(outcome)
    const keys = this.#byMinute.get(minute)
    keys?.delete(key)
    if (keys?.size === 0) this.#byMinute.delete(minute)
    return true
  }

  /** Keys that have expired at log time `nowMs` and need a tombstone, a bounded number at a time. */
  forgetDue(nowMs: number): string[] {
    this.#expire(nowMs)
    const due = [...this.#over].slice(0, FORGOTTEN_PER_BATCH_MAX)
    for (const key of due) this.#over.delete(key)
    return due
  }

  /** Depends on log time alone, wherever batches end. */
  #expire(nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS)
    if (minute <= this.#minute) return
    this.#minute = minute
    for (const [over, keys] of this.#byMinute) {
      if (over > minute) continue
      for (const key of keys) {
        this.delete(key)
        this.#over.add(key)
      }
    }
  }

  #count(key: string, origin: OutcomeOrigin, by: number): void {
    const nodeId = key.slice(STATE_KEY.commands.length, key.lastIndexOf('/'))
    for (const { place } of placesOf(nodeId, origin)) {
      const count = (this.#counted.get(place) ?? 0) + by
      if (count === 0) this.#counted.delete(place)
      else this.#counted.set(place, count)
    }
  }
}

/** Whose outcome it is, and of what: a release is recognised by its result, which no other command has. */
export type OutcomeOrigin = Pick<CommandOutcome, 'caller' | 'by_admin'> & EndedAs

type EndedAs = Pick<Done, 'become'> | Pick<Refused, 'become' | 'code'>

/**
 * The places where an outcome is counted, and how many each may hold. Releases have places of their own: otherwise a
 * caller that often gives back could not change a setting any more. No node's name has a space.
 */
function placesOf(
  nodeId: string,
  origin: OutcomeOrigin,
): { readonly place: string; readonly most: number }[] {
  const { caller, by_admin } = origin
  const what = isRelease(origin) ? 'releases' : 'writes'
  if (by_admin) return [{ place: `${what} admins ${nodeId}`, most: OUTCOMES_PER_NODE_MAX }]
  return [
    { place: `${what} node ${nodeId}`, most: OUTCOMES_PER_NODE_MAX },
    { place: `${what} credential ${nodeId} ${caller}`, most: OUTCOMES_PER_CREDENTIAL_MAX },
  ]
}

function isRelease(ended: EndedAs): boolean {
  return ended.become === 'released' || (ended.become === 'refused' && ended.code === 'reservation_not_found')
}

function minuteAfter(outcome: CommandOutcome): number {
  return Math.floor(outcome.until / MINUTE_MS) + 1
}
