/** Whole numbers `[from, to)`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** With a range added: in order, apart from each other, and never empty. */
export function withRange(ranges: readonly Range[], added: Range): Range[] {
  if (added.from >= added.to) return [...ranges]
  const before = ranges.filter(({ to }) => to < added.from)
  const after = ranges.filter(({ from }) => from > added.to)
  const touched = ranges.slice(before.length, ranges.length - after.length)
  const from = Math.min(added.from, touched[0]?.from ?? added.from)
  const to = Math.max(added.to, touched.at(-1)?.to ?? added.to)
  return [...before, { from, to }, ...after]
}

/** These ranges, in any order, as ranges that are in order and apart. */
export function merged(ranges: readonly Range[]): Range[] {
  const apart: Range[] = []
  for (const range of ranges.toSorted((left, right) => left.from - right.from)) {
    const last = apart.at(-1)
    if (last === undefined || last.to < range.from) apart.push(range)
    else apart[apart.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
  }
  return apart
}

/** Without a range: what of the others lies outside it. */
export function withoutRange(ranges: readonly Range[], taken: Range): Range[] {
  if (taken.from >= taken.to) return [...ranges]
  return ranges.flatMap((range) => {
    const left = { from: range.from, to: Math.min(range.to, taken.from) }
    const right = { from: Math.max(range.from, taken.to), to: range.to }
    return [left, right].filter(({ from, to }) => from < to)
  })
}

/** What of the first is in none of the second. */
export function difference(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  let left = [...ranges]
  for (const one of taken) left = withoutRange(left, one)
  return left
}

/** How many numbers of a range are in these. */
export function countIn(ranges: readonly Range[], { from, to }: Range): number {
  let count = 0
  for (const range of ranges) count += Math.max(0, Math.min(range.to, to) - Math.max(range.from, from))
  return count
}
