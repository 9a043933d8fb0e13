/** One measurement of a benchmark, with its target. */
export interface BenchLine {
  readonly what: string
  readonly value: string
  /** "—" where there is none: the measurement explains another one. */
  readonly target: string
  readonly reached: boolean
}

/** The results of a part of the bench. */
export interface BenchResult {
  readonly lines: readonly BenchLine[]
}

const NO_TARGET = '—'

/** A measurement without a target. */
export function shown(what: string, value: string): BenchLine {
  return { what, value, target: NO_TARGET, reached: true }
}

/** How a measurement compares with its target; empty where it has none. */
export function verdict({ target, reached }: BenchLine): string {
  if (target === NO_TARGET) return ''
  return reached ? 'reached' : 'missed'
}

/** 1234567.8 as "1,234,568". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds with the significant digits. */
export function milliseconds(value: number): string {
  return `${value < 100 ? value.toFixed(1) : whole(value)} ms`
}
