import { readdirSync, readFileSync } from 'node:fs'

/** A column as a migration names it; `type` without codec and default. */
export interface MigrationColumn {
  readonly name: string
  readonly type: string
}

const FOLDER = new URL('../../../schemas/clickhouse/', import.meta.url)
const CREATE = /CREATE TABLE IF NOT EXISTS (\w+)\s*\(\n(.*?)\n\)/gs
const ADD_COLUMN =
  /ALTER TABLE (\w+)[^;]*?ADD COLUMN(?: IF NOT EXISTS)? (\w+) (.+?)(?: AFTER \w+)?(?:,\n|;)/gs
const MODIFY_COLUMN = /ALTER TABLE (\w+)\s+MODIFY COLUMN (\w+) ([^;]+);/g
const NO_COLUMN = /^(INDEX|CONSTRAINT|PROJECTION|PRIMARY)\b/

/** The columns of every table that the migrations make, in their order, read from the .sql files. */
export function migrationColumns(): Map<string, MigrationColumn[]> {
  const tables = new Map<string, MigrationColumn[]>()
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
  for (const file of files) {
    const sql = readFileSync(new URL(file, FOLDER), 'utf8').replaceAll(/--.*$/gm, '')
    for (const [, table = '', body = ''] of sql.matchAll(CREATE)) {
      tables.set(table, body.split('\n').flatMap(toColumn))
    }
    for (const [, table = '', name = '', rest = ''] of sql.matchAll(ADD_COLUMN)) {
      tables.get(table)?.push({ name, type: typeOf(rest) })
    }
    for (const [, table = '', name = '', rest = ''] of sql.matchAll(MODIFY_COLUMN)) {
      const columns = tables.get(table) ?? []
      const at = columns.findIndex((column) => column.name === name)
      columns[at] = { name, type: typeOf(rest) }
    }
  }
  return tables
}

function toColumn(line: string): MigrationColumn[] {
  const text = line.trim().replace(/,$/, '')
  if (text === '' || NO_COLUMN.test(text)) return []
  const end = text.indexOf(' ')
  return [{ name: text.slice(0, end), type: typeOf(text.slice(end + 1)) }]
}

function typeOf(definition: string): string {
  return definition.replace(/ (CODEC|DEFAULT|MATERIALIZED|COMMENT|TTL)\b.*$/, '').trim()
}
