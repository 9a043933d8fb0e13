import type { LogProducer } from './producer.ts'
import type { LogAppend } from './records.ts'

interface Waiting {
  readonly records: readonly LogAppend[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Records that may wait for the send before them. */
export const APPEND_WAITING_MAX = 10_000

/** Many callers on one producer: one send at a time, and what comes meanwhile goes together with the next. */
export class SharedAppend {
  readonly #producer: LogProducer
  #waiting: Waiting[] = []
  #records = 0
  #sending: Promise<void> | undefined

  constructor(producer: LogProducer) {
    this.#producer = producer
  }

  /** False: too much waits already, and the caller must refuse. */
  hasRoom(records: number): boolean {
    return this.#records + records <= APPEND_WAITING_MAX
  }

  /** Resolves when the broker has all of them; rejects with ProduceError where that is not known. */
  append(records: readonly LogAppend[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ records, resolve, reject })
    this.#records += records.length
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
    return promise
  }

  /** After what is under way. */
  async stop(): Promise<void> {
    await this.#sending
    await this.#producer.stop()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const records = batch.flatMap((waiting) => waiting.records)
      try {
        await this.#producer.append(records)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      } finally {
        this.#records -= records.length
      }
    }
  }
}
