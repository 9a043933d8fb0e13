import type { Engine } from './engine.ts'
import type { Connection } from './native.ts'
import type { Statement } from './statement.ts'
import { isSymbol, tokens } from './tokens.ts'

/**
 * The types of a read's columns, zones included, where it is a SELECT in any of its forms; none for other statements. The
 * statement was admitted before, and its parameters are those of the connection.
 */
export async function describedTypes(
  engine: Engine,
  connection: Connection,
  text: string,
  statement: Statement,
): Promise<readonly string[]> {
  if (statement.kind !== 'text' || !statement.streams) return []
  const sql = `DESCRIBE TABLE (${bareSelect(text, statement)}\n)`
  const { bytes } = await engine.addon.QueryAsyncConnection(connection, sql, 'JSONCompactEachRow')
  const lines = Buffer.from(bytes).toString().split('\n')
  return lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as [string, string])[1])
}

/** The text without what is not allowed within brackets: the FORMAT clause and the semicolon at the end. */
export function bareSelect(text: string, { formatClause }: Extract<Statement, { kind: 'text' }>): string {
  const spans = [...tokens(text)]
    .filter((token) => isSymbol(token, ';'))
    .map(({ start, end }) => ({ start, end }))
  if (formatClause !== undefined) spans.push(formatClause)
  let bare = text
  for (const { start, end } of spans) bare = bare.slice(0, start) + ' '.repeat(end - start) + bare.slice(end)
  return Buffer.from(bare, 'latin1').toString()
}
