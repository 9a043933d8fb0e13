import type { Clock } from '../clock.ts'
import type { KafkaOptions } from './client.ts'
import { LogReader } from './log-reader.ts'
import type { LogRecord } from './records.ts'

/** No restore takes longer: 5 million ids are read in seconds. */
const READ_TIMEOUT_MS = 120_000

export interface StateReaderOptions extends KafkaOptions {
  readonly topic: string
  readonly groupId: string
  readonly clock: Clock
}

interface Reading {
  readonly through: bigint
  readonly onRecord: (record: LogRecord) => void
  readonly done: () => void
  readonly failed: (error: Error) => void
}

/**
 * Reads partitions of a state topic for restores: one extra consumer a process, which has every partition and keeps
 * all of them paused but those that are being read.
 */
export class StateReader {
  readonly #reader: LogReader
  readonly #clock: Clock
  readonly #readings = new Map<number, Reading>()
  #failure: Error | undefined

  constructor(options: StateReaderOptions) {
    this.#clock = options.clock
    this.#reader = new LogReader({
      ...options,
      paused: true,
      onRecords: (partition, records) => this.#deliver(partition, records),
      onPosition: (partition, position) => this.#advance(partition, position),
      onUnreadable: (partition, halt) => this.#readings.get(partition)?.failed(halt),
      // The consumer lost its place: what it delivers next has been delivered before.
      onJoined: () => this.#failAll(new Error('The restore lost its place in the state topic.')),
      onFailed: (error) => {
        this.#failure = error
        this.#failAll(error)
      },
    })
  }

  async start(): Promise<void> {
    await this.#reader.start()
  }

  /**
   * Delivers the partition's records from `start` up to the one at offset `through`, which must be a committed
   * record of the caller's own (its fence): never "to the end", which aborted tails would make last for ever.
   * Rejects when `signal` aborts; nothing is delivered after that.
   */
  async read(
    partition: number,
    range: { readonly start: bigint; readonly through: bigint },
    onRecord: (record: LogRecord) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#readings.has(partition)) throw new Error(`Partition ${partition} is being read already.`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#readings.set(partition, { through: range.through, onRecord, done: resolve, failed: reject })
    const deadline = new AbortController()
    const giveUp = (): void => reject(new Error(`The read of partition ${partition} was given up.`))
    signal?.addEventListener('abort', giveUp)
    try {
      this.#reader.seek(partition, range.start)
      this.#reader.resume(partition)
      const timedOut = this.#clock.delay(READ_TIMEOUT_MS, deadline.signal).then(() => {
        if (!deadline.signal.aborted) {
          reject(new Error(`Partition ${partition} was not read within ${READ_TIMEOUT_MS / 1000} s.`))
        }
      })
      await Promise.race([promise, timedOut.then(() => promise)])
    } finally {
      deadline.abort()
      signal?.removeEventListener('abort', giveUp)
      this.#readings.delete(partition)
      this.#reader.pause(partition)
    }
  }

  async stop(): Promise<void> {
    await this.#reader.stop()
  }

  #failAll(error: Error): void {
    for (const reading of this.#readings.values()) reading.failed(error)
    this.#readings.clear()
  }

  #deliver(partition: number, records: readonly LogRecord[]): void {
    const reading = this.#readings.get(partition)
    if (reading === undefined) return
    for (const record of records) if (record.offset <= reading.through) reading.onRecord(record)
  }

  #advance(partition: number, position: bigint): void {
    const reading = this.#readings.get(partition)
    if (reading !== undefined && position > reading.through) reading.done()
  }
}
