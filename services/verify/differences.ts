/** One value that differs from what follows from the log. */
export interface Difference {
  /** Table or topic. */
  readonly table: string
  /** The name of the row for a person. */
  readonly key: string
  readonly column: string
  readonly expected: string
  readonly found: string
}

/** A value as it is compared and shown; ClickHouse returns wide integers as text. */
export type Cell = string | number | bigint | boolean | null | readonly (string | number)[]
export type Row = Readonly<Record<string, Cell>>

/** Differences that are shown by name; the rest is counted. */
const SHOWN_MAX = 50

/** Collects differences: all are counted, the first ones are kept. */
export class Differences {
  readonly #shown: Difference[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  get shown(): readonly Difference[] {
    return this.#shown
  }

  add(difference: Difference): void {
    this.#count += 1
    if (this.#shown.length < SHOWN_MAX) this.#shown.push(difference)
  }

  /** Compares the columns of `expected`; further columns of `found` are ignored. */
  compareRow(table: string, key: string, expected: Row, found: Row | undefined): void {
    if (found === undefined) {
      this.add({ table, key, column: '(row)', expected: 'present', found: 'absent' })
      return
    }
    for (const [column, value] of Object.entries(expected)) {
      const [wanted, got] = [textOf(value), textOf(found[column] ?? null)]
      if (wanted !== got) this.add({ table, key, column, expected: short(wanted), found: short(got) })
    }
  }

  /** A row that follows from nothing in the log. */
  extraRow(table: string, key: string): void {
    this.add({ table, key, column: '(row)', expected: 'absent', found: 'present' })
  }

  /** Compares two sets of rows by key; a key that occurs twice in `found` is a difference too. */
  async compareRows(
    table: string,
    expected: ReadonlyMap<string, Row>,
    found: Iterable<readonly [string, Row]> | AsyncIterable<readonly [string, Row]>,
  ): Promise<void> {
    const seen = new Set<string>()
    for await (const [key, row] of found) {
      const wanted = expected.get(key)
      if (wanted === undefined) this.extraRow(table, key)
      else if (seen.has(key)) {
        this.add({ table, key, column: '(row)', expected: 'present once', found: 'present again' })
      } else this.compareRow(table, key, wanted, row)
      seen.add(key)
    }
    for (const [key, row] of expected) if (!seen.has(key)) this.compareRow(table, key, row, undefined)
  }

  /** A line for each difference that is kept, and one that counts the rest. */
  lines(): string[] {
    const lines = this.#shown.map(
      ({ table, key, column, expected, found }) =>
        `${table} ${key}: ${column} is ${found}, expected ${expected}`,
    )
    const more = this.#count - this.#shown.length
    return more === 0 ? lines : [...lines, `… and ${more} more`]
  }
}

/** Longest value that a line repeats. */
const VALUE_LENGTH_MAX = 120

function textOf(value: Cell): string {
  if (value === null) return 'NULL'
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}

function short(text: string): string {
  return text.length <= VALUE_LENGTH_MAX
    ? text
    : `${text.slice(0, VALUE_LENGTH_MAX)}… (${text.length} characters)`
}
