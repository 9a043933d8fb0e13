import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { TABLES } from '../../schemas/tables.ts'
import { originalReceipt } from '../../pipelines/usage/receipt.ts'

/** A record that was set aside, as dead_letters keeps it. */
export interface Letter {
  /** `topic/partition/offset` of the source record. */
  readonly id: string
  readonly topic: string
  /** The receipt by which its events are judged: its own, or the one that a replay had stated. UTC milliseconds. */
  readonly receiptMs: number
  readonly value: Buffer | null
  /** The reasons; one for each refused event, `index` -1 where it is about the record itself. */
  readonly problems: readonly LetterProblem[]
}

export interface LetterProblem {
  readonly index: number
  readonly reason: string
  readonly detail: string
}

/** Selects letters; every given filter must match. */
export interface LetterFilter {
  readonly ids?: readonly string[] | undefined
  /** Receipt in `[fromMs, toMs)`. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly reason?: string | undefined
}

/** Letters that one query reads: each may be 2 MiB. */
const PAGE_LETTERS = 20

interface Row {
  readonly topic: string
  readonly partition: number
  readonly record_offset: string
  readonly received_ms: string
  readonly value: string | null
  readonly header_names: string[]
  readonly header_values: string[]
  readonly reasons: string[]
  readonly indexes: number[]
  readonly details: string[]
}

/** The letters that match, by topic, partition, offset; one that a zombie loader wrote twice is returned once. */
export async function* readLetters(
  client: ClickhouseClient,
  filter: LetterFilter,
  idKey: Buffer,
): AsyncGenerator<Letter> {
  const { where, params } = conditions(filter)
  await client.sync([TABLES.deadLetters.name])
  let after: readonly [string, number, string] = ['', 0, '0']
  for (let first = true; ; first = false) {
    const rows = await client.rows<Row>(
      `SELECT topic, partition, record_offset, toUnixTimestamp64Milli(received_at) AS received_ms,
              base64Encode(value) AS value, header_names, arrayMap(held -> base64Encode(held), header_values) AS header_values,
              reasons, indexes, details
       FROM dead_letters
       WHERE (${first ? '1' : '(topic, partition, record_offset) > ({topic:String}, {partition:UInt16}, {offset:UInt64})'})${where}
       ORDER BY topic, partition, record_offset LIMIT 1 BY topic, partition, record_offset LIMIT ${PAGE_LETTERS}`,
      { ...params, topic: after[0], partition: after[1], offset: after[2] },
    )
    for (const row of rows) {
      after = [row.topic, row.partition, row.record_offset]
      yield letterOf(row, idKey)
    }
    if (rows.length < PAGE_LETTERS) return
  }
}

function conditions(filter: LetterFilter): {
  where: string
  params: Record<string, string | number | readonly string[]>
} {
  const params: Record<string, string | number | readonly string[]> = {}
  let where = ''
  if (filter.ids !== undefined) {
    where += ` AND concat(topic, '/', toString(partition), '/', toString(record_offset)) IN {ids:Array(String)}`
    params['ids'] = filter.ids
  }
  if (filter.fromMs !== undefined) {
    where += ' AND received_at >= fromUnixTimestamp64Milli({fromMs:Int64})'
    params['fromMs'] = filter.fromMs
  }
  if (filter.toMs !== undefined) {
    where += ' AND received_at < fromUnixTimestamp64Milli({toMs:Int64})'
    params['toMs'] = filter.toMs
  }
  if (filter.reason !== undefined) {
    where += ' AND has(reasons, {reason:String})'
    params['reason'] = filter.reason
  }
  return { where, params }
}

function letterOf(row: Row, idKey: Buffer): Letter {
  const timestampMs = Number(row.received_ms)
  const value = row.value === null ? null : Buffer.from(row.value, 'base64')
  const bytes = row.header_values.map((held) => Buffer.from(held, 'base64'))
  const headers = Object.fromEntries(bytes.map((held, at) => [row.header_names[at] ?? '', held]))
  return {
    id: `${row.topic}/${row.partition}/${row.record_offset}`,
    topic: row.topic,
    receiptMs: originalReceipt(idKey, row.topic, { headers, value, timestampMs }) ?? timestampMs,
    value,
    problems: row.reasons.map((reason, at) => ({
      index: row.indexes[at] ?? -1,
      reason,
      detail: row.details[at] ?? '',
    })),
  }
}
