/** One figure of a benchmark, beside what it should be. */
export interface BenchLine {
  readonly what: string
  readonly value: string
  readonly target: string
  readonly reached: boolean
}

/** What a benchmark found. */
export interface BenchResult {
  readonly lines: readonly BenchLine[]
}
