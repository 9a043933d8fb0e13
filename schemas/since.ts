/**
 * The offset from which each version of the rules applies. A rule that changes the result of a record applies from a
 * recorded offset of the task's input on, so that a program which processes a log again takes each record by the rules by
 * which it was taken.
 */

/** `offset` is the first one of the input that the task judged by this version of the rules. */
export interface Since {
  rules: number
  offset: number
}

/**
 * The rules of this code.
 *   0  the original rules: never recorded
 *   1  a tick has the key `!tick` and decodes whole; anything else framed as one is set aside
 *   2  an event of no cost, or of own work, that names a reservation is handed over: it uses the reservation up; an original
 *      receipt counts with its proof alone; commands, heartbeats and rules out of their bounds are set aside; the table of
 *      models is the version's own, and no record of usage.metered; heartbeats are remembered by time; what a node earns
 *      with what only it says has caps, and costs that come late have a limit on the day of their receipt
 *   3  an operator is confirmed by a caller that may say so: an admin, or a credential that names the operator; an event
 *      that has a text is identified by its text, apart from all ids of 128 bits, and not by the bytes beside the text;
 *      tiers that change, operators that an event or heartbeat names, and records of the audit are rows of the table audit;
 *      an event that is set aside and names its node has a row in set_aside; the outcome of a release is kept for a day
 *      while its credential has room for it, and that of a refused reservation for a node that nothing has named is kept
 *      for the minute, like those of all refused reservations; an event of another partition is sent on to it, once, and
 *      only one that was already sent on is set aside; records of one event are accepted; the table of models is the
 *      installation's own, by its versions in hivemeter.models; a window says when its newest late event came
 *   4  a record in which an execution has the place -1 is set aside as malformed, like one with any other place that is
 *      none; until then the event counted as one that names no execution
 *   5  of a node of a fleet is remembered which of its epochs speak at once, and how often an earlier one did
 */
export const RULES = 5

/** From these rules on, ticks are recognised by their key. */
export const KEYED_TICKS = 1

/** From these rules on, an operator is confirmed by a caller that may say so. */
export const CONFIRMED_OPERATORS = 3

/** From these rules on, texts have an identity of their own. */
export const TEXTS_APART = 3

/** From these rules on, events that are set aside are in set_aside, for the nodes that they name. */
export const SHOWN_SET_ASIDE = 3

/** From these rules on, events of other partitions are sent on to them. */
export const FORWARDING = 3

/** From these rules on, a record may be a single event. */
export const SINGLE_EVENTS = 3

/** From these rules on, the table of models is the installation's own. */
export const OWN_MODELS = 3

/** From these rules on, epochs of one node of a fleet that speak at once are counted. */
export const CLONES_COUNTED = 5

/** Most changes of rules that a task's record holds; more of them need a new version of the topics. */
export const SINCE_MAX = 32

/** The version of the rules by which the record at `offset` is judged; 0 before any was recorded. */
export function rulesAt(since: readonly Since[], offset: number | bigint): number {
  return since.findLast((one) => one.offset <= offset)?.rules ?? 0
}

/** The list of a task that continues at `position` by `RULES`: unchanged, or with one more entry at the end. */
export function sinceAt(since: readonly Since[], position: number): readonly Since[] {
  const newest = since.at(-1)?.rules ?? 0
  if (newest === RULES) return since
  if (newest > RULES) {
    throw new RangeError(`the task has judged by rules ${newest}, and this version knows ${RULES}`)
  }
  if (since.length >= SINCE_MAX) throw new RangeError(`the task has changed its rules ${since.length} times`)
  return [...since, { rules: RULES, offset: position }]
}
