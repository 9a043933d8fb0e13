/** In how many ways the same is written: numbers, and the order of keys. */

/** A JSON number; a text; one with grouped thousands; one with a decimal comma; one with blanks around it. */
export const NUMBER_STYLES = ['number', 'text', 'grouped', 'comma', 'padded'] as const
export type NumberStyle = (typeof NUMBER_STYLES)[number]

/**
 * `steps` of `10^-decimals`, as a machine of this style writes it. Computed by digits: 3331002 with 2 decimals is 33310.02,
 * whatever a double makes of it.
 */
export function written(steps: number, decimals: number, style: NumberStyle): string | number {
  const digits = String(steps).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals)
  const grouped = (sign: string): string => whole.replaceAll(/\B(?=(?:\d{3})+$)/g, sign)
  if (style === 'number') return Number(`${whole}.${fraction}`)
  if (style === 'grouped') return `${grouped(',')}.${fraction}`
  if (style === 'comma') return `${grouped('.')},${fraction}`
  return style === 'padded' ? ` ${whole}.${fraction}\r` : `${whole}.${fraction}`
}

/** The members that are there (not undefined), in an order that follows from `order`. */
export function ordered(members: Readonly<Record<string, unknown>>, order: number): Record<string, unknown> {
  const there = Object.entries(members).filter(([, value]) => value !== undefined)
  const ranked = there.map(([name, value], index) => ({
    name,
    value,
    rank: ((index + 1) * (order | 1)) % 1_009,
  }))
  return Object.fromEntries(
    ranked.toSorted((left, right) => left.rank - right.rank).map(({ name, value }) => [name, value]),
  )
}

export interface Style {
  readonly numbers: NumberStyle
  readonly order: number
}

/** `undefined`, which leaves the member out, for null. */
export function orAbsent<T, U>(value: T | null, write: (value: T) => U): U | undefined {
  return value === null ? undefined : write(value)
}

/** h:mm:ss, as pools say how long ago the last share was. */
export function clockText(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** What stands where machines show passwords. It may come out nowhere. */
export const PASSWORD = 'kept-from-all'

/** A request, and the parsed answer to it; a text is an answer that is no JSON. */
export type AskedAnswer = readonly [request: string, body: unknown]
