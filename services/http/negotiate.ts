import { Problem } from './problem.ts'

const PREFERENCES_MAX = 32

/**
 * The first of `offered` (media types) that the Accept header prefers; without a header the first one. Throws a Problem
 * (406) where none is acceptable.
 */
export function negotiate<Offered extends string>(
  accept: string | undefined,
  offered: readonly [Offered, ...Offered[]],
): Offered {
  if (accept === undefined || accept.trim() === '') return offered[0]
  const wanted = preferencesOf(accept)
  let best: Offered = offered[0]
  let bestQuality = 0
  for (const type of offered) {
    const quality = qualityOf(type, wanted)
    if (quality > bestQuality) [best, bestQuality] = [type, quality]
  }
  if (bestQuality > 0) return best
  throw new Problem(
    'not_acceptable',
    `This can be had as ${offered.join(' or ')}. Ask for one of these in Accept.`,
  )
}

/** One of the ranges that a client accepts, and its preference for it: 0 not at all, 1 best. */
export interface Preference {
  readonly range: string
  readonly quality: number
}

/** The ranges that a header such as Accept lists. */
export function preferencesOf(header: string): readonly Preference[] {
  return header.split(',').slice(0, PREFERENCES_MAX).map(parsePreference)
}

function parsePreference(text: string): Preference {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const stated = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const quality = stated === undefined ? 1 : Number(stated)
  return { range, quality: Number.isFinite(quality) ? quality : 0 }
}

/** The quality of the most specific range that covers the type. */
function qualityOf(type: string, wanted: readonly Preference[]): number {
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  for (const range of [type, family, '*/*']) {
    const found = wanted.find((preference) => preference.range === range)
    if (found !== undefined) return found.quality
  }
  return 0
}
