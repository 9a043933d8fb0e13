import { ClickhouseAway, ClickhouseRefused } from '../../../pipelines/clickhouse/errors.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import type { Insert } from '../../../pipelines/load/group.ts'
import type { BlockSource, BlockStore } from '../../../pipelines/load/store.ts'
import type { StoredMark } from '../../../pipelines/blocks/fit.ts'
import { storedMark } from './stored-marks.ts'

/**
 * What may happen to one call: `away` no answer and nothing done · `landed` done, and no answer · `late` no answer, lands
 * `laterMs` afterwards · `phantom` killed between the token's log and the part: the token is known, the rows are not, no
 * answer · `zombie` another loader makes the same INSERT first · `refused` answered, and refused.
 */
export type StoreFault = 'ok' | 'away' | 'landed' | 'late' | 'phantom' | 'zombie' | 'refused'

export interface StorePart {
  readonly table: string
  readonly month: string
  readonly seqs: readonly number[]
}

/**
 * ClickHouse's rules for one source of blocks whose rows are their numbers: an INSERT is one part, complete or absent; an
 * INSERT with a token that the table knows is acknowledged and does nothing.
 */
export class MemoryStore implements BlockStore {
  readonly parts: StorePart[] = []
  readonly tokens: string[] = []
  /** What it knows about a partition beside its number. */
  marks: Partial<StoredMark> = {}
  reloadThrough = 0
  /** Faults of the next calls, in their order; `ok` after the last. */
  readonly faults: StoreFault[]
  /** How long after its call a `late` INSERT lands. */
  laterMs = 7_900
  readonly #clock: Clock
  #late: { readonly atMs: number; readonly insert: Insert; readonly token: string }[] = []

  constructor(clock: Clock, faults: readonly StoreFault[] = []) {
    this.#clock = clock
    this.faults = [...faults]
  }

  /** Every number in the table, as often as it is there. */
  seqsOf(table: string): number[] {
    return this.parts.filter((part) => part.table === table).flatMap(({ seqs }) => seqs)
  }

  async loadedSeq(_source: BlockSource): Promise<number> {
    this.#answer()
    return Math.max(0, ...this.seqsOf('watermarks'))
  }

  async mark(source: BlockSource): Promise<StoredMark> {
    return storedMark({ seq: await this.loadedSeq(source), ...this.marks, reloadThrough: this.reloadThrough })
  }

  async noteReload(_source: BlockSource, through: number): Promise<void> {
    this.#answer()
    this.reloadThrough = Math.max(this.reloadThrough, through)
  }

  async holds(_source: BlockSource, { table, month, firstSeq }: Insert): Promise<boolean> {
    this.#answer()
    return this.parts.some(
      (part) => part.table === table && part.month === month && part.seqs.some((seq) => seq >= firstSeq),
    )
  }

  async insert(insert: Insert, token: string): Promise<void> {
    this.#landLate()
    const fault = this.faults.shift() ?? 'ok'
    switch (fault) {
      case 'away':
        throw new ClickhouseAway('no connection')
      case 'refused':
        throw new ClickhouseRefused('no such column', { code: 16 })
      case 'phantom':
        this.tokens.push(`${insert.table} ${token}`)
        throw new ClickhouseAway('killed')
      case 'late':
        this.#late.push({ atMs: this.#clock.monotonicMs() + this.laterMs, insert, token })
        throw new ClickhouseAway('timed out')
      case 'zombie':
        this.#land(insert, token)
        break
      default:
    }
    this.#land(insert, token)
    if (fault === 'landed') throw new ClickhouseAway('the answer was lost')
  }

  /** A look: the store may be away. */
  #answer(): void {
    this.#landLate()
    const fault = this.faults.shift() ?? 'ok'
    if (fault === 'away' || fault === 'late' || fault === 'phantom') throw new ClickhouseAway('no answer')
  }

  #landLate(): void {
    const due = this.#late.filter(({ atMs }) => atMs <= this.#clock.monotonicMs())
    this.#late = this.#late.filter((late) => !due.includes(late))
    for (const { insert, token } of due) this.#land(insert, token)
  }

  #land({ table, month, body }: Insert, token: string): void {
    if (this.tokens.includes(`${table} ${token}`)) return
    this.tokens.push(`${table} ${token}`)
    this.parts.push({ table, month, seqs: body.map(({ rows }) => rows.readUInt32LE()) })
  }
}
