/**
 * Whether a board is there, by its chips and the word for its state. All boards initialise while the machine sleeps: without
 * chips they are there all the same. Null where the answer says neither.
 */
export function isPresent(chips: number | null, state: string): boolean | null {
  if ((chips ?? 0) > 0 || state === 'alive' || state.startsWith('initiali')) return true
  return chips === 0 || state === 'dead' ? false : null
}
