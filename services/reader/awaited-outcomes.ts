import type { Clock } from '../../pipelines/clock.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import type { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { SECOND_MS } from '../../schemas/units.ts'
import { Problem } from '../http/problem.ts'
import { RETRY_BUSY_S, retryAfter } from '../http/retry-after.ts'
import { Shares } from '../http/shares.ts'

/** How long a write waits for its outcome. */
export const OUTCOME_TIMEOUT_MS = 5_000

/** Writes of one kind that may wait at once; one credential may have half of them. */
export const COMMANDS_WAITING_MAX = 1_000

/** A command on its way. */
export interface SentCommand {
  /** Of its outcome in the state that is followed. */
  readonly key: string
  readonly record: LogAppend
  /** The holder whose share of the waiting writes it takes. */
  readonly holder: string
  /** With which a client asks again. */
  readonly idempotencyKey: string
}

/** Appends commands to a log and waits for their outcomes, which come with the records of a state. */
export class AwaitedOutcomes<Outcome> {
  readonly #inbox: SharedAppend
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<(outcome: Outcome) => void>>()
  readonly #waitingWrites = new Shares(COMMANDS_WAITING_MAX)

  constructor({ inbox, clock }: { readonly inbox: SharedAppend; readonly clock: Clock }) {
    this.#inbox = inbox
    this.#clock = clock
  }

  /** Whether somebody waits for the outcome under this key. */
  isAwaited(key: string): boolean {
    return this.#waiting.has(key)
  }

  /** The outcome under a key has come. */
  resolve(key: string, outcome: Outcome): void {
    for (const resolve of this.#waiting.get(key) ?? []) resolve(outcome)
  }

  /** Sends a command and returns its outcome. Throws a Problem (503) where none is known in time. */
  async of({ key, record, holder, idempotencyKey }: SentCommand): Promise<Outcome> {
    if (!this.#waitingWrites.take(holder, 1))
      throw new Problem(
        'overloaded',
        'Too many writes wait at once, in all or with this credential; nothing was done. Send it again.',
        {},
        retryAfter(RETRY_BUSY_S),
      )
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.#wait(key, resolve)
    try {
      const refused = this.#inbox.append([record]).then(never, (error: unknown) => {
        // The command may be in the log all the same: the caller waits for the outcome, or gets the answer that none is
        // known.
        if (error instanceof ProduceError) return error.mayBeStored ? never() : Promise.reject(notTaken())
        throw error
      })
      const timeout = this.#clock.delay(OUTCOME_TIMEOUT_MS).then(() => null)
      const outcome = await Promise.race([promise, timeout, refused])
      if (outcome === null) throw unknown(idempotencyKey)
      return outcome
    } finally {
      this.#waitingWrites.giveBack(holder, 1)
      this.#leave(key, resolve)
    }
  }

  async stop(): Promise<void> {
    await this.#inbox.stop()
  }

  #wait(key: string, resolve: (outcome: Outcome) => void): void {
    const others = this.#waiting.get(key)
    if (others === undefined) this.#waiting.set(key, new Set([resolve]))
    else others.add(resolve)
  }

  #leave(key: string, resolve: (outcome: Outcome) => void): void {
    const others = this.#waiting.get(key)
    others?.delete(resolve)
    if (others?.size === 0) this.#waiting.delete(key)
  }
}

const never = (): Promise<never> => new Promise(() => {})

function notTaken(): Problem {
  return new Problem(
    'log_unavailable',
    'Kafka takes no writes of this node now; nothing was done. Send it again.',
    {},
    retryAfter(RETRY_BUSY_S),
  )
}

function unknown(idempotencyKey: string): Problem {
  return new Problem(
    'outcome_unknown',
    `No word came within ${OUTCOME_TIMEOUT_MS / SECOND_MS} s: it is done, or will be, or not. Ask again with the same Idempotency-Key to learn it.`,
    { idempotency_key: idempotencyKey },
    retryAfter(RETRY_BUSY_S),
  )
}
