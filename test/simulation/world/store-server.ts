import { BLOCK_HEADER, TABLES } from '../../../schemas/tables.ts'
import { ClickhouseRefused } from '../../../pipelines/clickhouse/errors.ts'
import type { Insert } from '../../../pipelines/load/group.ts'
import type { BlockSource } from '../../../pipelines/load/store.ts'
import { readBlock } from '../../support/oracles/row-reader.ts'
import type { Row } from '../../support/oracles/row-reader.ts'
import type { Timeline } from './timeline.ts'
import type { StoredMark } from '../../../pipelines/blocks/fit.ts'
import { storedMark } from '../../support/memory/stored-marks.ts'

/** What one INSERT added. */
export interface Part {
  readonly source: string
  readonly table: string
  readonly month: string
  /** The highest number among its rows. */
  readonly lastSeq: number
  readonly blocks: readonly { readonly bytes: Buffer; readonly rows: readonly Row[] }[]
  readonly landedAtMs: number
}

/** The guarantees of ClickHouse that a test takes away. */
export interface StoreWithout {
  tokens: boolean
  looks: boolean
}

const TABLE_NAMES: ReadonlySet<string> = new Set(Object.values(TABLES).map(({ name }) => name))
const PHANTOM_DOWN_MS = 700

/** Blocks by their bytes: a block is read once, however often it is inserted and looked for. */
const READ = new WeakMap<Buffer, readonly Row[]>()

/** The rows of a block, as they are in the log. */
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
 * ClickHouse as the loader knows it: an INSERT is one part, complete or absent; an INSERT with a token that the table has
 * logged is acknowledged and does nothing; the log of the token and the part are not one step.
 */
export class StoreServer {
  parts: Part[] = []
  readonly without: StoreWithout = { tokens: false, looks: false }
  readonly #timeline: Timeline
  /** Tokens that were logged, and when. */
  readonly #tokens = new Map<string, number>()
  /** The contents of `watermarks` and `load_notes`, by source. */
  readonly #marks = new Map<string, StoredMark>()
  /** Incremented at every kill: statements that were under way before it are lost. */
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

  /** The server is away for a while, and comes back from a copy as old as `ageMs`: newer parts and tokens are lost. */
  putBack(downMs: number, ageMs: number): void {
    const copiedAtMs = this.#timeline.nowMs - ageMs
    this.kill(downMs)
    this.parts = this.parts.filter(({ landedAtMs }) => landedAtMs <= copiedAtMs)
    for (const [token, loggedAtMs] of this.#tokens) if (loggedAtMs > copiedAtMs) this.#tokens.delete(token)
    this.#marks.clear()
    for (const { source, table, lastSeq, blocks } of this.parts) {
      if (table === TABLES.watermarks.name)
        this.#raise(
          source,
          lastSeq,
          blocks.flatMap(({ rows }) => rows),
        )
    }
  }

  /** No client reaches it for a while; statements under way go on. */
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
    const landedAtMs = this.#timeline.nowMs
    this.#tokens.set(logged, landedAtMs)
    const all = blocks.flatMap(({ rows }) => rows)
    const source = sourceOf(all[0])
    const lastSeq = Math.max(...all.map((row) => Number(row['src_seq'])))
    this.parts.push({ source, table, month, lastSeq, blocks, landedAtMs })
    if (table === 'watermarks') this.#raise(source, lastSeq, all)
  }

  #raise(source: string, lastSeq: number, rows: readonly Row[]): void {
    const before = this.mark(source)
    const most = (column: string, least: number): number =>
      Math.max(least, ...rows.map((row) => Number(row[column])))
    this.#marks.set(source, {
      ...before,
      seq: Math.max(lastSeq, before.seq),
      watermarkMs: most('watermark', before.watermarkMs),
      position: most('position', before.position),
      blocksEnd: BigInt(most('blocks_end', Number(before.blocksEnd))),
    })
  }

  /** The rows of an INSERT; refuses values that the table's columns cannot take. */
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

  /** The server is killed when it has logged the token but has no part yet. */
  dieHavingLogged({ table }: Insert, token: string): void {
    this.#tokens.set(`${table} ${token}`, this.#timeline.nowMs)
    this.kill(PHANTOM_DOWN_MS)
  }

  loadedSeq(source: string): number {
    return this.mark(source).seq
  }

  /** What it knows about a source. */
  mark(source: string): StoredMark {
    return this.#marks.get(source) ?? storedMark()
  }

  noteReload(source: string, through: number): void {
    const before = this.mark(source)
    this.#marks.set(source, { ...before, reloadThrough: Math.max(through, before.reloadThrough) })
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
