import type { ClickhouseClient, QueryParams } from '../../pipelines/clickhouse/client.ts'
import { ROW_TABLES } from '../../schemas/tables.ts'

/** Rows that one query returns; further ones come page by page. */
const PAGE_ROWS = 50_000

/** Identifies rows by the blocks of one partition of a topic. */
export interface Blocks {
  readonly topic: string
  readonly partition: number
}

/** Blocks below a number. */
export interface BlocksBelow extends Blocks {
  readonly seqBelow: number
}

/** Condition for the rows that the blocks of a `Blocks` brought. */
export const OF_BLOCKS = 't.src_topic = {topic:String} AND t.src_partition = {partition:UInt16}'
/** The same for a `BlocksBelow`. */
export const BELOW = `${OF_BLOCKS} AND t.src_seq < {seqBelow:UInt64}`

/** A time column as epoch milliseconds under its own name. */
export const ms = (column: string): string => `toUnixTimestamp64Milli(t.${column}) AS ${column}`
/** A UUID column as text under its own name. */
export const uuid = (column: string): string => `toString(t.${column}) AS ${column}`

export type TextRow = Record<string, string | number | null | (string | number)[]>

/** Reads ClickHouse for the comparison, and writes nothing: in this file, the rows that every topic of blocks brings. */
export class Tables {
  readonly #client: ClickhouseClient

  constructor(client: ClickhouseClient) {
    this.#client = client
  }

  /** How far the loader has come; the rows up to there can be read, also on a replica. */
  async loaded(blocks: Blocks): Promise<{ lastSeq: number; watermarkMs: number }> {
    const [row] = await this.rows<{ last_seq: string; watermark_ms: string }>(
      `SELECT max(t.src_seq) AS last_seq, toUnixTimestamp64Milli(max(t.watermark)) AS watermark_ms
       FROM watermarks AS t WHERE ${OF_BLOCKS}`,
      { ...blocks },
    )
    await this.#client.sync(ROW_TABLES)
    return { lastSeq: Number(row?.last_seq ?? 0), watermarkMs: Number(row?.watermark_ms ?? 0) }
  }

  async deadLetters(blocks: BlocksBelow, source: string, from: bigint, to: bigint): Promise<TextRow[]> {
    return await this.rows(
      `SELECT t.record_offset, ${ms('received_at')}, hex(t.key) AS key, hex(t.value) AS value, t.header_names,
              arrayMap(value -> hex(value), t.header_values) AS header_values, t.reasons, t.indexes
       FROM dead_letters AS t
       WHERE ${BELOW} AND t.topic = {source:String} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}`,
      { ...blocks, source, from, to },
    )
  }

  /** Letters that have this reason among theirs, of all offsets. */
  async lettersOf(blocks: BlocksBelow, source: string, reason: string): Promise<TextRow[]> {
    return await this.rows(
      `SELECT t.record_offset, t.reasons, t.indexes FROM dead_letters AS t
       WHERE ${BELOW} AND t.topic = {source:String} AND has(t.reasons, {reason:String})`,
      { ...blocks, source, reason },
    )
  }

  /** The rows of an ordered query, one by one. Rows below a block number never change, so pages by place fit together. */
  async *pages(sql: string, params: BlocksBelow): AsyncGenerator<TextRow> {
    for (let offset = 0; ; offset += PAGE_ROWS) {
      const page = await this.rows<TextRow>(`${sql} LIMIT ${PAGE_ROWS} OFFSET ${offset}`, { ...params })
      yield* page
      if (page.length < PAGE_ROWS) return
    }
  }

  /** The rows of one query. */
  async rows<T>(sql: string, params: QueryParams): Promise<T[]> {
    return await this.#client.rows<T>(sql, params)
  }
}
