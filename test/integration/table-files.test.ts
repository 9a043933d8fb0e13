import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageItem } from '../../schemas/http/usage.ts'
import { parquetFile } from '../../services/http/parquet/write.ts'
import type { Cell, Column } from '../../services/http/parquet/columns.ts'
import { columnsOf } from '../../services/reader/history/table-columns.ts'
import { readParquet } from '../support/oracles/parquet-reader.ts'

/** Parquet files, read by ClickHouse's own engine in this process: it reads what was written. */

const noPause = async (): Promise<void> => {}

const COLUMNS: readonly Column[] = [
  { name: 'words', kind: 'text', isNullable: false },
  { name: 'maybe', kind: 'text', isNullable: true },
  { name: 'seen', kind: 'time', isNullable: true },
  { name: 'late', kind: 'flag', isNullable: false },
  { name: 'rate', kind: 'double', isNullable: false },
  { name: 'count', kind: 'integer', isNullable: true },
  { name: 'sum', kind: 'sum', isNullable: false },
  { name: 'usd_exact', kind: 'amount', isNullable: false },
]

/** Numbers of every sign and length up to what a column holds. */
const LARGEST = 10n ** 38n - 1n

function rowOf(at: number): Record<string, Cell> {
  const sign = at % 2 === 0 ? '' : '-'
  return {
    words: `é😀 "${at}"`,
    maybe: at % 3 === 0 ? `m${at}` : null,
    seen: at % 5 === 0 ? null : new Date(at * 86_400_001).toISOString(),
    late: at % 7 === 0,
    rate: at / 3,
    count: at % 4 === 0 ? null : (2n ** 63n - 1n) / BigInt(at + 1),
    sum: (at % 2 === 0 ? 1n : -1n) * (LARGEST / 10n ** BigInt(at % 38)),
    usd_exact: at % 4 === 0 ? `${sign}${at}` : `${sign}${at}.${String(at).padStart(9, '0')}`,
  }
}

for (const count of [0, 1, 7, 8, 9, 2_000]) {
  test(`${count} rows come back as they were written, each column with its type`, async () => {
    const rows = Array.from({ length: count }, (_, at) => rowOf(at))
    const { rows: read, types } = await readParquet(await parquetFile(COLUMNS, rows, { pause: noPause }))
    assert.deepEqual(types, {
      words: 'String',
      maybe: 'Nullable(String)',
      seen: "Nullable(DateTime64(3, 'UTC'))",
      late: 'Bool',
      rate: 'Float64',
      count: 'Nullable(Int64)',
      sum: 'Decimal(38, 0)',
      usd_exact: 'Decimal(38, 9)',
    })
    assert.deepEqual(read.map(shown), rows.map(shown))
  })
}

/** A row as text, whatever form its values have there. */
function shown(row: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(row).map(([name, value]) => {
    if (value === null) return `${name} nothing`
    const text = `${value as string | number}`
    if (name === 'seen') return `${name} ${text.replace('T', ' ').replace('Z', '')}`
    return `${name} ${name === 'usd_exact' ? plainDecimal(text) : text}`
  })
}

function plainDecimal(text: string): string {
  const [whole = '', fraction = ''] = text.split('.')
  return `${whole}.${fraction.padEnd(9, '0')}`.replace(/^-(0\.0+)$/, '$1')
}

test('a value that is missing where there must be one is refused, not written', async () => {
  const columns = columnsOf(UsageItem, ['window_start'], 'sum')
  await assert.rejects(parquetFile(columns, [{}], { pause: noPause }), /window_start has no value/)
})
