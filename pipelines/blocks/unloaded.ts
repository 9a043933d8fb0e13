import { HaltError } from '../log/records.ts'
import { DAY_MS, MINUTE_MS } from '../../schemas/units.ts'

/**
 * A task writes no more blocks when its oldest unloaded block has waited this long for ClickHouse. Blocks are kept for 30
 * days.
 */
export const UNLOADED_AGE_MS_MAX = 3 * DAY_MS

/**
 * Log time that loader and ClickHouse get to catch up after an equally long silence: a machine that slept for days, or
 * services that were stopped, leave old blocks that are loaded within seconds.
 */
export const UNLOADED_GRACE_MS = 10 * MINUTE_MS

/** Blocks are recorded at most once a minute: three days are 4,320 marks. */
const MARK_INTERVAL_MS = MINUTE_MS

/**
 * How long the blocks of one task have been waiting for ClickHouse, in log time. What it knows goes into the task record.
 * While ClickHouse does not answer, that stays as it was.
 */
export class UnloadedBlocks {
  #loadedSeq: number
  #marks: { readonly lastSeq: number; readonly atMs: number }[]
  /** Log times of the last transaction, and of the first transaction since the last long silence. */
  #lastAt: number | undefined
  #steadySince = 0

  constructor(loadedSeq: number, oldestUnloadedAt: number | null, lastSeq: number) {
    this.#loadedSeq = loadedSeq
    this.#marks = oldestUnloadedAt === null ? [] : [{ lastSeq, atMs: oldestUnloadedAt }]
  }

  get loadedSeq(): number {
    return this.#loadedSeq
  }

  /** Log time of the oldest block that is not known to be in ClickHouse. */
  get oldestAt(): number | null {
    return this.#marks[0]?.atMs ?? null
  }

  /** ClickHouse answered: everything up to `seq` is loaded. */
  loaded(seq: number): void {
    if (seq <= this.#loadedSeq) return
    this.#loadedSeq = seq
    this.#marks = this.#marks.filter(({ lastSeq }) => lastSeq > seq)
  }

  /**
   * Records that a transaction at log time `atMs` writes blocks up to `lastSeq`. Halts where the oldest block has waited
   * too long and the task has been writing long enough for it to be loaded.
   */
  wrote(lastSeq: number, atMs: number): void {
    if (this.#lastAt === undefined || atMs - this.#lastAt > UNLOADED_GRACE_MS) this.#steadySince = atMs
    this.#lastAt = atMs
    const newest = this.#marks.at(-1)
    if (newest !== undefined && atMs - newest.atMs < MARK_INTERVAL_MS) {
      this.#marks[this.#marks.length - 1] = { lastSeq, atMs: newest.atMs }
    } else {
      this.#marks.push({ lastSeq, atMs })
    }
    const oldestAt = this.oldestAt
    if (
      oldestAt !== null &&
      atMs - oldestAt > UNLOADED_AGE_MS_MAX &&
      atMs - this.#steadySince > UNLOADED_GRACE_MS
    ) {
      throw new HaltError(
        'unloaded_blocks',
        `Blocks above ${this.#loadedSeq} have waited for ClickHouse since ${new Date(oldestAt).toISOString()}.`,
        'Bring ClickHouse and the loader back (see their /readyz), then restart this service; nothing is lost.',
      )
    }
  }
}
