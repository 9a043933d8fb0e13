/** A version of something: valid from a time on, and known after the record at an offset. */
export interface Version<Value> {
  readonly offset: number
  readonly fromMs: number
  readonly value: Value
}

/** What is valid at a time, of what is known after a record; the later version of one time holds. */
export function validAt<Value>(
  versions: readonly Version<Value>[],
  atMs: number,
  knownTo: number,
): Value | undefined {
  let best: Version<Value> | undefined
  for (const version of versions) {
    if (version.offset > knownTo || version.fromMs > atMs) continue
    if (best === undefined || version.fromMs >= best.fromMs) best = version
  }
  return best?.value
}

/** When another version begins, of those that are known. */
export function changesAfter(versions: readonly Version<unknown>[], atMs: number, knownTo: number): number {
  const later = versions.filter(({ offset, fromMs }) => offset <= knownTo && fromMs > atMs)
  return Math.min(Number.POSITIVE_INFINITY, ...later.map(({ fromMs }) => fromMs))
}
