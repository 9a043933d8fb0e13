import type { Clock } from '../clock.ts'
import type { LogRange } from '../log/records.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { claimedLeadersOf, leaderOf } from './partition-leader.ts'
import { BrokerConnections } from './kafkajs/broker-connections.ts'
import { errorName } from './kafkajs/error-names.ts'
import { LOOK_UP_TIMEOUT_MS } from './kafkajs/kafkajs-wire.ts'
import { Unanswered } from './produce/wire.ts'
import type { BrokerId } from './produce/wire.ts'

/** How long to wait for a leader that moves: longer than Kafka's own failover (broker.session.timeout.ms, 9 s). */
export const LOG_OFFSET_TIMEOUT_MS = 13_000
const LOG_OFFSET_PAUSE_MS = 200

const EARLIEST = -2
const LATEST = -1
const READ_COMMITTED = 1

/** The answer of a broker that knows that it does not lead the partition. */
const NOT_LEADING = 'NOT_LEADER_FOR_PARTITION'

interface Offsets {
  readonly responses: readonly {
    readonly partitions: readonly { readonly errorCode: number; readonly offset: string }[]
  }[]
}

/**
 * Where partitions begin and end. The admin client of kafkajs queries the leaders of all partitions of a topic for that,
 * and a single leader that hangs fails the answer for all the others.
 */
export class LogOffsets {
  readonly #connections: BrokerConnections
  readonly #clock: Clock

  constructor(options: KafkaOptions) {
    this.#connections = new BrokerConnections(options)
    this.#clock = options.clock
  }

  /**
   * The first offset that the partition still holds. Like the others, it rejects when the leader does not answer in
   * time.
   */
  async startOf(topic: string, partition: number): Promise<bigint> {
    return await this.#of(topic, partition, EARLIEST)
  }

  /**
   * What the partition holds: `[start, end)`, the end being the last stable offset. A leader that was replaced and does not
   * know it reports an old end, by which a log would seem to have lost records. So the end is the farthest one that is
   * reported by any broker that any broker names as leader, and at least half of all brokers must have answered.
   */
  async rangeOf(topic: string, partition: number): Promise<LogRange> {
    const start = await this.#of(topic, partition, EARLIEST)
    const end = await this.#tried(topic, partition, () => this.#farthestEnd(topic, partition))
    return { start, end }
  }

  /** The offset of the first record whose log time is `timeMs` or later; the end where there is none. */
  async at(topic: string, partition: number, timeMs: number): Promise<bigint> {
    const offset = await this.#of(topic, partition, Math.max(0, timeMs))
    return offset < 0n ? await this.#of(topic, partition, LATEST) : offset
  }

  stop(): void {
    this.#connections.close()
  }

  async #of(topic: string, partition: number, timestamp: number): Promise<bigint> {
    return await this.#tried(topic, partition, async () => {
      const leader = await leaderOf(this.#connections, topic, partition)
      return leader === null ? 'it has no leader' : await this.#ask(leader, topic, partition, timestamp)
    })
  }

  /** Tries until there is an offset and not a reason why there is none, or until time is over. */
  async #tried(topic: string, partition: number, look: () => Promise<bigint | string>): Promise<bigint> {
    const deadlineMs = this.#clock.monotonicMs() + LOG_OFFSET_TIMEOUT_MS
    for (;;) {
      const found = await look().catch((error: unknown) => {
        if (error instanceof Unanswered) return error.message
        throw error
      })
      if (typeof found === 'bigint') return found
      if (this.#clock.monotonicMs() + LOG_OFFSET_PAUSE_MS >= deadlineMs) {
        throw new Error(`Kafka did not say where ${topic}[${partition}] begins or ends: ${found}`)
      }
      await this.#clock.delay(LOG_OFFSET_PAUSE_MS)
    }
  }

  async #farthestEnd(topic: string, partition: number): Promise<bigint | string> {
    const leaders = await claimedLeadersOf(this.#connections, topic, partition)
    const said = await Promise.all(
      leaders.map((leader) =>
        this.#ask(leader, topic, partition, LATEST).catch((error: unknown) => {
          if (error instanceof Unanswered) return error.message
          throw error
        }),
      ),
    )
    // One of them is the real leader: without its answer the farthest offset of the others may be too low.
    const reason = said.find((one) => typeof one === 'string' && one !== NOT_LEADING)
    if (reason !== undefined) return reason
    const ends = said.filter((one) => typeof one === 'bigint')
    return ends.length === 0 ? 'it has no leader' : ends.reduce((most, end) => (end > most ? end : most))
  }

  /** The offset, or the reason why there is none. Rejects with `Unanswered`. */
  async #ask(
    leader: BrokerId,
    topic: string,
    partition: number,
    timestamp: number,
  ): Promise<bigint | string> {
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
  }
}
