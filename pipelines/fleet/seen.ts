import { SEQ_MAX } from '../../schemas/fleet/bounds.ts'
import type { FleetNode, Mark, SeenEpoch, SeenRange } from '../../schemas/fleet/records.ts'

/**
 * Ranges of seen numbers that are kept of one epoch; beyond them the lowest gap between two of them closes: what is missing
 * there was lost.
 */
export const SEEN_RANGES_MAX = 64
/** Epochs that are kept; beyond them the lowest one closes. */
export const SEEN_EPOCHS_MAX = 16

/** What is known of the numbers that a node has used. */
export type Seen = Pick<FleetNode, 'low' | 'epochs' | 'lost'>

/** Whether a number comes before a mark. */
export function isBelow(number: Mark, mark: Mark): boolean {
  return number.epoch < mark.epoch || (number.epoch === mark.epoch && number.seq < mark.seq)
}

/** Whether a number was used before, or is closed, which means that it can only be a copy. */
export function isSeen({ low, epochs }: Seen, number: Mark): boolean {
  if (isBelow(number, low)) return true
  const ranges = epochs.find(({ epoch }) => epoch === number.epoch)?.ranges ?? []
  return ranges.some(({ from, to }) => from <= number.seq && number.seq < to)
}

/** The numbers from `first` up to but not including `end` of its epoch are used. */
export function see(seen: Seen, first: Mark, end: number): void {
  const from = Math.max(first.seq, floorOf(seen, first.epoch))
  if (from >= end) return
  const ranges = rangesOf(seen, first.epoch)
  add(ranges, { from, to: end })
  for (let [lowest, next] = ranges; ranges.length > SEEN_RANGES_MAX; [lowest, next] = ranges) {
    if (lowest === undefined || next === undefined) break
    lose(seen, next.from - lowest.to)
    ranges.splice(0, 2, { from: lowest.from, to: next.to })
  }
  while (seen.epochs.length > SEEN_EPOCHS_MAX) close(seen, { epoch: seen.epochs[1]?.epoch ?? 0, seq: 1 })
}

/**
 * Nothing below the mark comes any more: its gaps are lost, and nothing of it is kept. Of numbers above the highest that
 * came of an earlier epoch nobody knows whether they were used.
 */
export function close(seen: Seen, mark: Mark): void {
  if (!isBelow(seen.low, mark)) return
  for (const { epoch, ranges } of seen.epochs) {
    if (epoch > mark.epoch) break
    const end = epoch === mark.epoch ? mark.seq : (ranges.at(-1)?.to ?? 1)
    lose(seen, missing(ranges, floorOf(seen, epoch), end))
  }
  const isKnown = seen.epochs.some(({ epoch }) => epoch === mark.epoch)
  if (!isKnown) lose(seen, mark.seq - floorOf(seen, mark.epoch))
  seen.low = { epoch: mark.epoch, seq: mark.seq }
  seen.epochs = seen.epochs.filter(({ epoch }) => epoch >= mark.epoch).flatMap((one) => above(one, mark))
}

/** A node may say that it has used any number; beyond what can be kept the count stands still. */
function lose(seen: Seen, numbers: number): void {
  seen.lost = Math.min(SEQ_MAX, seen.lost + numbers)
}

/** The lowest number of an epoch that is not closed. */
function floorOf({ low }: Seen, epoch: number): number {
  if (epoch < low.epoch) return Number.POSITIVE_INFINITY
  return epoch === low.epoch ? low.seq : 1
}

/** The ranges of an epoch, which is begun where there are none yet. */
function rangesOf(seen: Seen, epoch: number): SeenRange[] {
  const known = seen.epochs.find((one) => one.epoch === epoch)
  if (known !== undefined) return known.ranges
  const begun: SeenEpoch = { epoch, ranges: [] }
  const at = seen.epochs.findIndex((one) => one.epoch > epoch)
  seen.epochs.splice(at < 0 ? seen.epochs.length : at, 0, begun)
  return begun.ranges
}

/** Adds a range to others that are in order and apart; those that it touches become one with it. */
function add(ranges: SeenRange[], range: SeenRange): void {
  const start = ranges.findIndex(({ to }) => to >= range.from)
  const first = start < 0 ? ranges.length : start
  let end = first
  let { from, to } = range
  for (
    let touched = ranges[end];
    touched !== undefined && touched.from <= range.to;
    touched = ranges[++end]
  ) {
    from = Math.min(from, touched.from)
    to = Math.max(to, touched.to)
  }
  ranges.splice(first, end - first, { from, to })
}

/** How many numbers from `floor` up to `end` are in no range. */
function missing(ranges: readonly SeenRange[], floor: number, end: number): number {
  let count = Math.max(0, end - floor)
  for (const { from, to } of ranges) count -= Math.max(0, Math.min(to, end) - Math.max(from, floor))
  return count
}

/** What is at or above the mark, if anything is. */
function above({ epoch, ranges }: SeenEpoch, mark: Mark): SeenEpoch[] {
  if (epoch > mark.epoch) return [{ epoch, ranges }]
  const left = ranges
    .filter(({ to }) => to > mark.seq)
    .map(({ from, to }) => ({ from: Math.max(from, mark.seq), to }))
  return left.length === 0 ? [] : [{ epoch, ranges: left }]
}
