import type { Place } from '../reading/place.ts'
import type { Warnings } from '../reading/warnings.ts'

/** What the operating system reads of the cards, in the order of their buses. */
export interface Sensors {
  readonly temp: readonly Place[]
  readonly fan: readonly Place[]
  readonly power: readonly Place[]
  /** True where the lists are known to have an entry for each card, and no other. */
  readonly isAligned: boolean
}

/** How many cards there should be: those that miners work on (0 while none runs), and those of the inventory. */
export interface CardCounts {
  readonly mined: number
  readonly expected: number | null
}

/**
 * The lists of temperatures, fans and watts. Where the processor has graphics built in, they stand first in the lists, as
 * zeros; miners know nothing of them. So the first entry is dropped where there is one more than there are cards.
 */
export function sensorsOf(params: Place, { mined, expected }: CardCounts, warnings: Warnings): Sensors {
  const temp = params.at('temp').items()
  const fan = params.at('fan').items()
  const power = params.at('power').items()
  const length = Math.max(temp.length, fan.length, power.length)
  const isZero = (at: number): boolean => {
    const places = [temp[at], fan[at], power[at]].filter((place) => place !== undefined)
    return places.length > 0 && places.every((place) => place.number() === 0)
  }
  const cards = mined > 0 ? mined : (expected ?? length - 1)
  // Zeros before zeros may be cards that hang; alone, or before others that read, they are none.
  const others = Array.from({ length: length - 1 }, (_, at) => isZero(at + 1))
  const isApart = mined > 0 || length === 1 || others.includes(false)
  if (length === cards + 1 && isZero(0) && isApart) {
    warnings.note('igpu_dropped')
    return { temp: temp.slice(1), fan: fan.slice(1), power: power.slice(1), isAligned: true }
  }
  return { temp, fan, power, isAligned: mined === 0 || length === mined }
}
