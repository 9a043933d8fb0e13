import type { Installation } from '../../support/processes/installation.ts'

/** The most rows that the answer names where two sets differ. */
const SHOWN_MAX = 3

/** The rows of a large run take seconds to hash, not the milliseconds of a page. */
const SETTINGS = { max_execution_time: 120 }

/**
 * Compares the results of two SELECTs of the same columns, in whatever order, with the number of times that each row is
 * there. Returns the differences in words, or nothing where there is none.
 */
export async function compareRows(
  { clickhouse }: Installation,
  what: string,
  first: string,
  second: string,
): Promise<string[]> {
  const [one, other] = await Promise.all([first, second].map(sumOf))
  if (one === undefined || other === undefined) throw new Error(`No sums of ${what}.`)
  if (one.rows === other.rows && one.hash === other.hash) return []
  const [missing, added] = await Promise.all([rowsOnlyIn(first, second), rowsOnlyIn(second, first)])
  return [
    `${what}: ${one.rows} rows at first, ${other.rows} after`,
    ...missing.map((row) => `${what}: only at first: ${row}`),
    ...added.map((row) => `${what}: only after: ${row}`),
  ]

  async function sumOf(sql: string): Promise<{ rows: string; hash: string } | undefined> {
    const [sum] = await clickhouse.rows<{ rows: string; hash: string }>(
      // As text: a hash of a null would be a null, and left out of the sum.
      `SELECT count() AS rows, sum(toInt128(cityHash64(formatRow('TSV', *)))) AS hash FROM (${sql})`,
      {},
      SETTINGS,
    )
    return sum
  }

  async function rowsOnlyIn(sql: string, without: string): Promise<string[]> {
    const rows = await clickhouse.rows<{ row: string }>(
      `SELECT formatRow('TSV', *) AS row FROM (${sql} EXCEPT ${without}) LIMIT ${SHOWN_MAX}`,
      {},
      SETTINGS,
    )
    return rows.map(({ row }) => row.trimEnd())
  }
}
