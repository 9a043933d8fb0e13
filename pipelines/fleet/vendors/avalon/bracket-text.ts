import { Place } from '../reading/place.ts'
import type { Warnings } from '../reading/warnings.ts'

/** Longest name of a part; the names that are known are shorter. */
const NAME_CHARACTERS_MAX = 32
const NAME = /[a-z_]\w*$/

/**
 * The parts of a text like `Elapsed[77] PS[0 1200 7] Work[In Idle]`, by their names in lower case, each as the list of its
 * words. Parts in sections (`'HB0':{…}`) are read as if they stood outside: their names differ. A name that occurs again is
 * left out.
 */
export function bracketParts(text: Place, warnings: Warnings): Place {
  const parts = new Map<string, string[]>()
  // What follows the last closing bracket is no part, or one that was cut.
  for (const piece of text.word().split(']').slice(0, -1)) {
    const opening = piece.lastIndexOf('[')
    if (opening < 0) continue
    const [name] = NAME.exec(piece.slice(Math.max(0, opening - NAME_CHARACTERS_MAX), opening)) ?? []
    if (name !== undefined && !parts.has(name)) parts.set(name, wordsOf(piece.slice(opening + 1)))
  }
  return new Place(Object.fromEntries(parts), warnings)
}

function wordsOf(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== '')
}
