import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import { ClickhouseRefused } from '../../pipelines/clickhouse/errors.ts'
import type { Insert } from '../../pipelines/load/group.ts'
import type { BlockSource } from '../../pipelines/load/store.ts'
import { readBlock } from '../support/row-reader.ts'
import type { Row } from '../support/row-reader.ts'
import type { Timeline } from './timeline.ts'

/** What one INSERT brought. */
export interface Part {
  readonly source: string
  readonly table: string
  readonly month: string
  /** Highest number of its rows. */
  readonly lastSeq: number
  readonly blocks: readonly { readonly bytes: Buffer; readonly rows: readonly Row[] }[]
}

/** Which of ClickHouse's guards a test takes away. */
export interface StoreWithout {
  tokens: boolean
  looks: boolean
}

const TABLE_NAMES: ReadonlySet<string> = new Set(Object.values(TABLES).map(({ name }) => name))
const PHANTOM_DOWN_MS = 700

/** Blocks by their bytes: a block is read once, however often it is inserted and looked at. */
const READ = new WeakMap<Buffer, readonly Row[]>()

/** Rows of a block as it stands in the log. */
export function rowsOf(
  bytes: Buffer,
  table: string,
  columns: string,
  month: string,
  { format, packed }: Pick<Insert, 'format'> & { readonly packed: boolean },
): readonly Row[] {
  let rows = READ.get(bytes)
  if (rows === undefined) {
    const headers = {
      [BLOCK_HEADER.table]: table,
      [BLOCK_HEADER.columns]: columns,
      [BLOCK_HEADER.tablePartition]: month,
      [BLOCK_HEADER.format]: format,
      [BLOCK_HEADER.encoding]: packed ? 'zstd' : '',
    }
    ;({ rows } = readBlock({ value: bytes, headers }))
    READ.set(bytes, rows)
  }
  return rows
}

const sourceOf = (row: Row | undefined): string =>
  `${String(row?.['src_topic'])}/${String(row?.['src_partition'])}`

/**
 * ClickHouse as the loader knows it: an INSERT is one part, whole or not at all; a token that the table has logged
 * makes an INSERT an acknowledged nothing; the token's log and the part are not one thing.
 */
export class StoreServer {
  readonly parts: Part[] = []
  readonly without: StoreWithout = { tokens: false, looks: false }
  readonly #timeline: Timeline
  readonly #tokens = new Set<string>()
  /** The highest number that `watermarks` tells, by source. */
  readonly #loaded = new Map<string, number>()
  /** Bumped by every kill: what was under way before is gone. */
  life = 0
  isUp = true

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** `kill -9`, and a start after a while: statements under way end with it, parts and logged tokens stay. */
  kill(downMs: number): void {
    this.life++
    this.away(downMs)
  }

  /** Nobody reaches it for a while; statements under way go on. */
  away(forMs: number): void {
    const { life } = this
    this.isUp = false
    this.#timeline.after(forMs, () => {
      if (this.life === life) this.isUp = true
    })
  }

  /** One INSERT under its token. */
  land(insert: Insert, token: string): void {
    const { table, month } = insert
    const logged = `${table} ${token}`
    if (this.#tokens.has(logged) && !this.without.tokens) return
    const blocks = this.#read(insert)
    this.#tokens.add(logged)
    const all = blocks.flatMap(({ rows }) => rows)
    const source = sourceOf(all[0])
    const lastSeq = Math.max(...all.map((row) => Number(row['src_seq'])))
    this.parts.push({ source, table, month, lastSeq, blocks })
    if (table === 'watermarks') this.#loaded.set(source, Math.max(lastSeq, this.loadedSeq(source)))
  }

  /** The rows of an INSERT; refuses what the table's columns cannot take. */
  #read({ table, columns, format, month, body }: Insert): Part['blocks'] {
    if (!TABLE_NAMES.has(table)) throw new ClickhouseRefused(`no table ${table}`, { code: 60 })
    try {
      return body.map(({ rows: bytes, packed }) => ({
        bytes,
        rows: rowsOf(bytes, table, columns.join(','), month, { format, packed }),
      }))
    } catch (error) {
      throw new ClickhouseRefused('cannot read all data', { cause: error, code: 33 })
    }
  }

  /** The server is killed when it has logged the token and has no part. */
  dieHavingLogged({ table }: Insert, token: string): void {
    this.#tokens.add(`${table} ${token}`)
    this.kill(PHANTOM_DOWN_MS)
  }

  loadedSeq(source: string): number {
    return this.#loaded.get(source) ?? 0
  }

  holds({ topic, partition }: BlockSource, { table, month, firstSeq }: Insert): boolean {
    if (this.without.looks) return false
    const source = `${topic}/${partition}`
    return this.parts.some(
      (part) =>
        part.source === source && part.table === table && part.month === month && part.lastSeq >= firstSeq,
    )
  }

  /** Rows of a table, of all its parts. */
  rows(table: string): readonly Row[] {
    return this.parts
      .filter((part) => part.table === table)
      .flatMap(({ blocks }) => blocks.flatMap(({ rows }) => rows))
  }
}
