import type { Clock } from '../../pipelines/clock.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { Acknowledgement, LogProducer } from '../../pipelines/log/producer.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { SCHEMA_ID, schemaIdOf, usageEventsCodec } from '../../schemas/avro.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** Parts of the gateway's tests and benchmark: a log in memory, and a clock that is moved by hand. */

/** A clock that stays at its time until a test moves it. */
export class ManualClock implements Clock {
  wallMs: number
  #monotonicMs = 0
  readonly #delays = new Set<{ readonly dueMs: number; readonly resolve: () => void }>()

  constructor(wallMs: number) {
    this.wallMs = wallMs
  }

  nowMs(): number {
    return this.wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  async delay(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const delay = { dueMs: this.#monotonicMs + timeoutMs, resolve }
    this.#delays.add(delay)
    signal?.addEventListener('abort', () => resolve(), { once: true })
    await promise
    this.#delays.delete(delay)
  }

  /** Lets time pass, so that what waited for it continues. */
  async pass(timeMs: number): Promise<void> {
    this.wallMs += timeMs
    this.#monotonicMs += timeMs
    for (const { dueMs, resolve } of this.#delays) {
      if (dueMs <= this.#monotonicMs) resolve()
    }
    await settled()
  }
}

/** Resolves after everything that can continue without I/O has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/**
 * A log in memory that keeps the contract of `LogProducer`: one append at a time for each partition, offsets by
 * partition, LogAppendTime by its own clock, and a `ProduceError` after which the records may or may not be in the log.
 */
export class MemoryLog implements LogProducer {
  readonly records: LogAppend[] = []
  /** How far the broker's clock is ahead of the machine's. */
  aheadMs = 0
  /** What happens to the next sends, in this order; after these, sends are acknowledged. */
  readonly plan: ('refuse' | 'store_and_refuse' | 'hold')[] = []
  isStopped = false
  readonly #clock: Clock
  readonly #ends = new Map<number, bigint>()
  readonly #sending = new Set<number>()
  #release: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    return await this.#send(records)
  }

  appendEach(records: readonly LogAppend[]): ReadonlyMap<number, Promise<Acknowledgement>> {
    const sent = this.#send(records)
    const of = async (partition: number): Promise<Acknowledgement> =>
      (await sent).get(partition) as Acknowledgement
    const partitions = new Set(records.map(({ partition }) => partition))
    return new Map(Array.from(partitions, (partition) => [partition, of(partition)]))
  }

  async #send(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    const partitions = new Set(records.map(({ partition }) => partition))
    for (const partition of partitions) {
      if (this.#sending.has(partition))
        throw new Error('a partition had an append while another was under way')
      this.#sending.add(partition)
    }
    try {
      const step = this.plan.shift()
      await (step === 'hold'
        ? new Promise<void>((resolve) => {
            this.#release = resolve
          })
        : settled())
      if (step === 'refuse') throw new ProduceError('the broker does not answer')
      const acknowledged = this.#store(records)
      if (step === 'store_and_refuse') throw new ProduceError('the acknowledgement was lost')
      return acknowledged
    } finally {
      for (const partition of partitions) this.#sending.delete(partition)
    }
  }

  /** Lets the send that is held continue. */
  async release(): Promise<void> {
    this.#release?.()
    await settled()
    await settled()
  }

  async stop(): Promise<void> {
    this.isStopped = true
  }

  /** The usage events in the log. */
  events(): UsageEvent[] {
    return this.records
      .filter(({ value }) => schemaIdOf(value) === SCHEMA_ID.usageEvents)
      .flatMap(({ value }) => usageEventsCodec.decode(value as Buffer).events)
  }

  #store(records: readonly LogAppend[]): Map<number, Acknowledgement> {
    const acknowledged = new Map<number, Acknowledgement>()
    for (const record of records) {
      // The caller may use its memory again once the send has ended.
      this.records.push({ ...record, value: record.value === null ? null : Buffer.from(record.value) })
      const offset = this.#ends.get(record.partition) ?? 0n
      this.#ends.set(record.partition, offset + 1n)
      if (!acknowledged.has(record.partition)) {
        const logAppendTimeMs = this.#clock.nowMs() + this.aheadMs
        acknowledged.set(record.partition, { baseOffset: offset, logAppendTimeMs })
      }
    }
    return acknowledged
  }
}
