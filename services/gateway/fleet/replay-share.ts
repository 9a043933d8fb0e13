/** Items a second that one partition takes in all: live ones first, and what they leave for replays. */
export const PARTITION_ITEMS_PER_SECOND_MAX = 20_000

/** How much faster than it polls a node may replay. */
export const REPLAY_PER_LIVE_MAX = 4

/** A node whose machines are few, or gone, replays this much: what it holds must come to an end. */
export const REPLAY_ITEMS_PER_SECOND_MIN = 1

/** What is seen of the nodes of a partition, in live items a second. */
export interface SeenRates {
  /** Of the node that asks. */
  readonly own: number
  /** Of each other node that replays. */
  readonly replaying: readonly number[]
  /** Of all nodes together. */
  readonly inAll: number
}

/**
 * Items a second that a node may replay: at most four times what it sends live, and a fair share of what the live items of
 * all nodes leave of the partition. A node that may take less than its equal share leaves the rest to the others, so the
 * shares of all that replay never exceed what is left, but for the least that each may have. A whole number.
 */
export function replayShare({ own, replaying, inAll }: SeenRates): number {
  let left = PARTITION_ITEMS_PER_SECOND_MAX - inAll
  if (left <= 0) return 0
  const most = REPLAY_PER_LIVE_MAX * own
  const others = replaying.map((rate) => REPLAY_PER_LIVE_MAX * rate).toSorted((one, other) => one - other)
  let sharing = others.length + 1
  for (const other of others) {
    if (other > left / sharing) break
    left -= other
    sharing -= 1
  }
  return Math.max(REPLAY_ITEMS_PER_SECOND_MIN, Math.floor(Math.min(most, left / sharing)))
}
