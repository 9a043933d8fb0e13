import { EXIT, ExitError } from '../runtime/exit.ts'
import type { VerifyRun } from './check.ts'
import type { BlocksBelow, Tables } from './tables.ts'

const LOOK_INTERVAL_MS = 250

/**
 * A partition is compared up to a horizon while traffic flows: the input that a task had applied when the comparison
 * began. This class waits, with one time limit for all of a partition, until the services behind it have come as far.
 */
export class CatchUp {
  readonly #run: Pick<VerifyRun, 'clock' | 'catchUpMs' | 'signal'>
  readonly #deadlineMs: number

  constructor(run: Pick<VerifyRun, 'clock' | 'catchUpMs' | 'signal'>) {
    this.#run = run
    this.#deadlineMs = run.clock.monotonicMs() + run.catchUpMs
  }

  /**
   * Calls `check` until it returns true; a returned text tells what is still missing. After `catchUpMs` it throws an
   * ExitError with that text, which names the service that does not advance.
   */
  async until(check: () => Promise<true | string>): Promise<void> {
    const { clock, catchUpMs, signal } = this.#run
    for (;;) {
      const answer = await check()
      if (answer === true) return
      signal.throwIfAborted()
      if (clock.monotonicMs() >= this.#deadlineMs) {
        throw new ExitError(
          EXIT.failure,
          `${answer} Waited ${catchUpMs / 1_000} s. See whether that service runs (its /readyz says for what it waits) and run this again.`,
        )
      }
      await clock.delay(LOOK_INTERVAL_MS, signal)
    }
  }

  /** Waits until ClickHouse has the rows of all of these blocks. */
  async untilLoaded(tables: Tables, { topic, partition, seqBelow }: BlocksBelow): Promise<void> {
    const lastSeq = seqBelow - 1
    await this.until(async () => {
      const { lastSeq: loaded } = await tables.loaded({ topic, partition })
      if (loaded >= lastSeq) return true
      return `ClickHouse has blocks of ${topic} partition ${partition} up to ${loaded} of ${lastSeq}: the loader has not brought the rest.`
    })
  }
}
