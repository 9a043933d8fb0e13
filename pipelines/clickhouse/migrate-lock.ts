import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Random } from '../random.ts'
import { LOCKS_TABLE, keepRow } from './migrate-tables.ts'
import type { Sql } from './migrate-tables.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** A holder that has not renewed the lock for this long is dead. */
export const LOCK_EXPIRY_MS = 15_000
const RENEW_INTERVAL_MS = 3_000
const LOOK_INTERVAL_MS = 500

/** The lock was not free within the bound, or was lost while held; the message names the holder. */
export class LockUnavailable extends Error {
  override readonly name = 'LockUnavailable'
}

export interface LockParts {
  readonly sql: Sql
  /** Names this process to a person who has to wait for it: host, pid, start. It is unique. */
  readonly holder: string
  /** How long to wait for another holder. */
  readonly waitMs: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/**
 * The exclusive right to migrate a database, as rows of `schema_locks` that are judged by the server's clock.
 *
 * ClickHouse has no compare-and-set, so the rule is: *announce, then look*. A process that announced itself and then sees
 * no other holds the lock; one that sees another takes its announcement back and tries again after a random pause. Of two
 * processes that announce, at least one looks after both have announced, so the two never hold the lock together. The rows
 * of a dead holder expire.
 *
 * On a cluster the two processes may use different replicas. The order is then that of Keeper: the process that announced
 * second uses a replica that has seen its own announcement in Keeper, and with it the first one; it waits until that
 * replica has fetched it. Clocks of replicas must agree to some seconds, as the replica that is queried judges the expiry.
 */
export class MigrationLock {
  readonly #parts: LockParts
  readonly #stop = new AbortController()
  #renewedAtMs: number
  #renewing: Promise<void> = Promise.resolve()

  private constructor(parts: LockParts, announcedAtMs: number) {
    this.#parts = parts
    this.#renewedAtMs = announcedAtMs
    this.#renewing = this.#renew()
  }

  /** Waits at most `waitMs`; throws LockUnavailable with the holder's name. */
  static async acquire(parts: LockParts): Promise<MigrationLock> {
    const { clock, random, sql, waitMs } = parts
    const deadlineMs = clock.monotonicMs() + waitMs
    let saidWaiting = false
    for (;;) {
      let others = await holders(sql, parts.holder)
      if (others.length === 0) {
        const announcedAtMs = clock.monotonicMs()
        await write(parts, 'held')
        others = await holders(sql, parts.holder)
        if (others.length === 0) return new MigrationLock(parts, announcedAtMs)
        await write(parts, 'released')
      }
      const names = others.join(', ')
      if (clock.monotonicMs() >= deadlineMs) {
        throw new LockUnavailable(
          `The schema is being migrated by ${names}. Waited ${Math.round(waitMs / SECOND_MS)} s. ` +
            `Try again when that has ended; the lock of a dead one expires after ${LOCK_EXPIRY_MS / SECOND_MS} s.`,
        )
      }
      if (!saidWaiting) parts.logger.info({ holder: names }, `waiting for the migration by ${names}`)
      saidWaiting = true
      await clock.delay(LOOK_INTERVAL_MS * (0.5 + random.next()), parts.signal)
      parts.signal.throwIfAborted()
    }
  }

  /** Throws LockUnavailable where the lock may have expired. It must be called before every statement. */
  assertHeld(): void {
    const ageMs = this.#parts.clock.monotonicMs() - this.#renewedAtMs
    if (ageMs < LOCK_EXPIRY_MS) return
    throw new LockUnavailable(
      `The migration lock could not be renewed for ${Math.round(ageMs / SECOND_MS)} s and may be another's now. ` +
        'Nothing is half done: run the migration again.',
    )
  }

  /** Gives the lock back. Never rejects: a lock that cannot be given back expires. */
  async release(): Promise<void> {
    this.#stop.abort()
    await this.#renewing
    try {
      await write(this.#parts, 'released')
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'the migration lock was not given back and will expire')
    }
  }

  async #renew(): Promise<void> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stop
    for (;;) {
      await clock.delay(RENEW_INTERVAL_MS, signal)
      const sentAtMs = clock.monotonicMs()
      if (signal.aborted || sentAtMs - this.#renewedAtMs >= LOCK_EXPIRY_MS) return
      try {
        await write(this.#parts, 'held')
        this.#renewedAtMs = sentAtMs
      } catch (error) {
        // This is not the end yet: `assertHeld` throws when the lock has expired.
        logger.warn({ err: error }, 'the migration lock could not be renewed')
      }
    }
  }
}

async function write(parts: LockParts, state: 'held' | 'released'): Promise<void> {
  await keepRow(
    parts.sql,
    `INSERT INTO ${LOCKS_TABLE} (holder, state, at) SELECT {holder:String}, {state:String}, now64(3)`,
    { holder: parts.holder, state },
  )
}

async function holders(sql: Sql, self: string): Promise<string[]> {
  await sql.sync([LOCKS_TABLE])
  const rows = await sql.rows<{ holder: string }>(
    `SELECT holder FROM ${LOCKS_TABLE}
     WHERE holder != {self:String} AND at > now64(3) - toIntervalMillisecond({expiryMs:UInt32})
     GROUP BY holder HAVING argMax(state, (at, state)) = 'held' ORDER BY holder`,
    { self, expiryMs: LOCK_EXPIRY_MS },
  )
  return rows.map((row) => row.holder)
}
