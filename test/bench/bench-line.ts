/** One figure of a bench beside what it should reach. */
export interface BenchLine {
  readonly what: string
  readonly value: string
  readonly target: string
  readonly reached: boolean
}

/** What a part of the bench found out. */
export interface BenchResult {
  readonly lines: readonly BenchLine[]
}
