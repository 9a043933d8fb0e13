import type { Producer } from 'kafkajs'
import type { Metrics } from '../../schemas/metrics.ts'
import { createKafka, namedPartition } from './client.ts'
import type { KafkaOptions } from './client.ts'
import type { LogAppend } from './records.ts'

/** Where the broker put the first of a partition's records, and when: its clock, not ours. */
export interface Acknowledgement {
  readonly baseOffset: bigint
  readonly logAppendTimeMs: number
}

/** The send was not acknowledged: its records may be in the log, or not. The caller must not send them again by itself. */
export class ProduceError extends Error {
  readonly code = 'PRODUCE_FAILED'
}

/** Appends records to one topic outside transactions. */
export interface LogProducer {
  /**
   * Appends the records, in order within each partition; resolves by partition once all replicas have them.
   * One call at a time: a call made while another is under way is refused as a programming error.
   * Rejects with `ProduceError` where the outcome is unknown.
   */
  append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>>
  stop(): Promise<void>
}

/** Attempts after the first: about 2 s of pauses. The outcome is unknown after that, and the caller is told. */
const SEND_RETRIES_MAX = 6
const RETRY_PAUSE_MS = 50
const RETRY_PAUSE_MS_MAX = 500

export interface IdempotentProducerOptions extends KafkaOptions {
  readonly topic: string
  readonly metrics: Metrics
}

/**
 * The producer of gateway, reader and ticks. After any failed send the kafkajs producer is thrown away: it would
 * reuse the sequence number, and the broker would acknowledge the next batch without storing it.
 */
export class IdempotentProducer implements LogProducer {
  readonly #options: IdempotentProducerOptions
  #producer: Producer | undefined
  #sending = false

  constructor(options: IdempotentProducerOptions) {
    this.#options = options
  }

  async append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    if (this.#sending) throw new Error('IdempotentProducer.append was called while a send was under way.')
    if (records.length === 0) return new Map()
    this.#sending = true
    try {
      return await this.#send(records)
    } catch (error) {
      this.#options.metrics.count('hivemeter_produce_failures_total')
      this.#discard()
      const { topic } = this.#options
      const detail = error instanceof Error ? error.message : String(error)
      throw new ProduceError(`Kafka did not acknowledge ${records.length} records for ${topic}: ${detail}`, {
        cause: error,
      })
    } finally {
      this.#sending = false
    }
  }

  async stop(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.disconnect()
  }

  async #send(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    const producer = (this.#producer ??= await this.#connect())
    const { topic } = this.#options
    const metadata = await producer.send({
      topic,
      acks: -1,
      messages: records.map(({ partition, key, value, headers }) => ({
        partition,
        key,
        value,
        ...(headers === undefined ? {} : { headers: { ...headers } }),
      })),
    })
    const acknowledged = new Map<number, Acknowledgement>()
    for (const { partition, baseOffset, logAppendTime } of metadata) {
      if (baseOffset === undefined || logAppendTime === undefined || logAppendTime === '-1') {
        throw new Error(`topic ${topic} does not stamp LogAppendTime; run the migrate command`)
      }
      acknowledged.set(partition, { baseOffset: BigInt(baseOffset), logAppendTimeMs: Number(logAppendTime) })
    }
    return acknowledged
  }

  async #connect(): Promise<Producer> {
    const producer = createKafka(this.#options).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: RETRY_PAUSE_MS,
        maxRetryTime: RETRY_PAUSE_MS_MAX,
        retries: SEND_RETRIES_MAX,
      },
      createPartitioner: namedPartition,
    })
    await producer.connect()
    return producer
  }

  #discard(): void {
    const producer = this.#producer
    this.#producer = undefined
    producer?.disconnect().catch((error: unknown) => {
      this.#options.logger.debug({ err: error }, 'a discarded producer did not disconnect cleanly')
    })
  }
}
