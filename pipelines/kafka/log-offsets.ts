import type { Clock } from '../clock.ts'
import type { LogRange } from './admin.ts'
import type { KafkaOptions } from './client.ts'
import { leaderOf } from './partition-leader.ts'
import { BrokerConnections } from './produce/broker-connections.ts'
import { errorName } from './produce/error-names.ts'
import { LOOK_UP_TIMEOUT_MS } from './produce/kafkajs-wire.ts'
import { Unanswered } from './produce/wire.ts'

/** A leader that moves is waited for: longer than Kafka's own failover (broker.session.timeout.ms, 9 s). */
export const LOG_OFFSET_TIMEOUT_MS = 13_000
const LOG_OFFSET_PAUSE_MS = 200

const EARLIEST = -2
const LATEST = -1
const READ_COMMITTED = 1

interface Offsets {
  readonly responses: readonly {
    readonly partitions: readonly { readonly errorCode: number; readonly offset: string }[]
  }[]
}

/**
 * Where partitions begin and end. kafkajs' admin asks the leaders of all partitions of a topic for that, and one of them that
 * hangs fails the answer for every other.
 */
export class LogOffsets {
  readonly #connections: BrokerConnections
  readonly #clock: Clock

  constructor(options: KafkaOptions & { readonly clock: Clock }) {
    this.#connections = new BrokerConnections(options)
    this.#clock = options.clock
  }

  /** The first offset that the partition still holds. Rejects when its leader does not say so in time, as the others do. */
  async startOf(topic: string, partition: number): Promise<bigint> {
    return await this.#of(topic, partition, EARLIEST)
  }

  /** What it holds: `[start, end)`, the end being the last stable offset. */
  async rangeOf(topic: string, partition: number): Promise<LogRange> {
    const start = await this.#of(topic, partition, EARLIEST)
    return { start, end: await this.#of(topic, partition, LATEST) }
  }

  /** The first record whose log time is `timeMs` or later; the end where there is none. */
  async at(topic: string, partition: number, timeMs: number): Promise<bigint> {
    const offset = await this.#of(topic, partition, Math.max(0, timeMs))
    return offset < 0n ? await this.#of(topic, partition, LATEST) : offset
  }

  async #of(topic: string, partition: number, timestamp: number): Promise<bigint> {
    const deadlineMs = this.#clock.monotonicMs() + LOG_OFFSET_TIMEOUT_MS
    for (;;) {
      const reason = await this.#ask(topic, partition, timestamp)
      if (typeof reason === 'bigint') return reason
      if (this.#clock.monotonicMs() + LOG_OFFSET_PAUSE_MS >= deadlineMs) {
        throw new Error(`Kafka did not say where ${topic}[${partition}] begins or ends: ${reason}`)
      }
      await this.#clock.delay(LOG_OFFSET_PAUSE_MS)
    }
  }

  stop(): void {
    this.#connections.close()
  }

  /** The offset, or why there is none. */
  async #ask(topic: string, partition: number, timestamp: number): Promise<bigint | string> {
    try {
      const leader = await leaderOf(this.#connections, topic, partition)
      if (leader === null) return 'it has no leader'
      const answer = await this.#connections.ask<Offsets>(
        leader,
        'ListOffsets',
        {
          replicaId: -1,
          isolationLevel: READ_COMMITTED,
          topics: [{ topic, partitions: [{ partition, timestamp }] }],
        },
        LOOK_UP_TIMEOUT_MS,
      )
      const said = answer.responses[0]?.partitions[0]
      if (said === undefined) return 'its leader did not name it'
      return errorName(said.errorCode) ?? BigInt(said.offset)
    } catch (error) {
      if (error instanceof Unanswered) return error.message
      throw error
    }
  }
}
