/** What can be wrong, in the order of the report. The first three have counts of their own in the summary. */
const PROBLEM_KINDS = [
  'lost',
  'counted twice',
  'paid twice',
  'ghost',
  'row',
  'window',
  'decision',
  'settlement',
  'ledger',
  'account',
  'command',
  'position',
  'block',
  'epoch',
  'batch',
  'replica',
  'answer',
] as const
export type ProblemKind = (typeof PROBLEM_KINDS)[number]

/** The number of problems of one kind that are shown; the rest is counted. */
const SHOWN_MAX = 50

/** Collects problems: all are counted, the first ones of each kind are kept. */
export class Problems {
  readonly #counts = new Map<ProblemKind, number>()
  readonly #shown = new Map<ProblemKind, string[]>()
  /** Problems for which no line is kept. */
  readonly #unshown = new Map<ProblemKind, number>()

  /** Adds a problem in words; `times` where it means several (copies, costs). */
  add(kind: ProblemKind, words: string, times = 1): void {
    this.#counts.set(kind, this.count(kind) + times)
    const shown = this.#shown.get(kind) ?? []
    if (shown.length === 0) this.#shown.set(kind, shown)
    if (shown.length < SHOWN_MAX) shown.push(words)
    else this.#unshown.set(kind, (this.#unshown.get(kind) ?? 0) + times)
  }

  /** Adds a problem where two values differ. Numbers of 64 bits and more are compared as they are. */
  compare(kind: ProblemKind, what: string, expected: Cell, found: Cell): void {
    if (String(expected) === String(found)) return
    this.add(kind, `${what} is ${String(found)}, expected ${String(expected)}`)
  }

  count(kind: ProblemKind): number {
    return this.#counts.get(kind) ?? 0
  }

  /** The number of problems that are neither lost, nor counted twice, nor paid twice. */
  get differences(): number {
    return PROBLEM_KINDS.slice(3).reduce((sum, kind) => sum + this.count(kind), 0)
  }

  get isClean(): boolean {
    return this.#counts.size === 0
  }

  /** One line for each problem that is kept, and one for each kind that counts the rest. */
  lines(): string[] {
    return PROBLEM_KINDS.flatMap((kind) => {
      const shown = this.#shown.get(kind) ?? []
      const unshown = this.#unshown.get(kind) ?? 0
      const rest = unshown > 0 ? [`and ${unshown} more`] : []
      return shown.concat(rest).map((words) => `${kind}: ${words}`)
    })
  }
}

/** A value as it is compared and shown. */
export type Cell = string | number | bigint | boolean | null
