/** When a machine is due: rounds begin with the interval, and the machines of a round are spread over it. */
export interface Due {
  readonly round: number
  /** Of the machines, in the order of the file. */
  readonly index: number
  readonly atMs: number
}

/**
 * The poll after `before`, or the first one. Times follow from the start alone, so they do not drift. Where the node has
 * fallen behind by more than a round, the rounds between are left out: no machine is polled twice at once.
 */
export function nextDue(
  before: Due | null,
  nowMs: number,
  { startMs, intervalMs, machines }: { startMs: number; intervalMs: number; machines: number },
): Due {
  const at = (round: number, index: number): Due => ({
    round,
    index,
    atMs: startMs + intervalMs * round + (intervalMs * index) / machines,
  })
  if (before === null) return at(0, 0)
  if (before.index + 1 < machines) return at(before.round, before.index + 1)
  const present = Math.floor((nowMs - startMs) / intervalMs)
  return at(Math.max(before.round + 1, present), 0)
}
