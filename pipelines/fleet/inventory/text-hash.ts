/** FNV-1a in 32 bits, from a start of its own for each purpose. Columns of pages hold it in place of a text; never 0. */
const PRIME = 0x01000193
const START = 0x811c9dc5

/** A number for a text: two different ones have the same number once in 4 thousand million times. */
export function textHash(text: string, seed = START): number {
  let hash = seed
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), PRIME)
  return hash >>> 0 || 1
}
