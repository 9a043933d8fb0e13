/** One figure of a benchmark beside what it should be. */
export interface BenchLine {
  readonly what: string
  readonly value: string
  /** "—" where there is none: the figure explains another one. */
  readonly target: string
  readonly reached: boolean
}

export interface BenchResult {
  readonly lines: readonly BenchLine[]
}

/** A figure that no target judges. */
export function shown(what: string, value: string): BenchLine {
  return { what, value, target: '—', reached: true }
}

/** Prints a line of its own for each figure. */
export function printLines({ lines }: BenchResult): void {
  for (const { what, value, target, reached } of lines) {
    console.log(target === '—' ? `${what}: ${value}` : `${what}: ${value} (${target}): ${verdict(reached)}`)
  }
}

function verdict(reached: boolean): string {
  return reached ? 'reached' : 'MISSED'
}

/** 1234567.8 as "1,234,568". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds with the digits that matter. */
export function milliseconds(value: number): string {
  return `${value < 100 ? value.toFixed(1) : whole(value)} ms`
}
