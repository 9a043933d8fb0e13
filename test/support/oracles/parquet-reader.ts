import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { query } from 'chdb'

/** Rows and types of columns, as ClickHouse's own engine reads them in this process. */
export interface ReadTable {
  /** In its JSON format: numbers of 64 bits and decimals as text, times in UTC as `2026-02-20 14:30:00.000`. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly types: Readonly<Record<string, string>>
}

const SETTINGS =
  'SETTINGS output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1, output_format_json_quote_64bit_floats = 0'

/** Reads a Parquet file that another program wrote. */
export async function readParquet(file: Buffer): Promise<ReadTable> {
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-parquet-'))
  try {
    const path = join(dir, 'table.parquet')
    await writeFile(path, file)
    const described = lines(`DESCRIBE file('${path}', Parquet)`)
    return {
      rows: lines(`SELECT * FROM file('${path}', Parquet) ${SETTINGS}`),
      types: Object.fromEntries(described.map(({ name, type }) => [String(name), String(type)])),
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function lines(sql: string): Record<string, unknown>[] {
  return query(sql, 'JSONEachRow')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
