import type { Clock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** How long after its last event a producer with another partitioner is still named. */
export const NAMED_MS = 10 * MINUTE_MS

/**
 * The partitions of usage.metered from which events of other partitions were sent on: the producer of these events uses
 * another partitioner.
 */
export class ForeignPartitioner {
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  /** By partition: how many since the partition was first named, and when the last. */
  readonly #sentOn = new Map<number, { events: number; lastMs: number }>()

  constructor(topic: string, clock: Clock, logger: Logger) {
    this.#topic = topic
    this.#clock = clock
    this.#logger = logger
  }

  /** This number of events of a partition was sent on, by a transaction that is committed. */
  sentOn(partition: number, events: number): void {
    this.#forget()
    if (this.#sentOn.size === 0) {
      this.#logger.warn(
        { topic: this.#topic, partition, events },
        `somebody writes to ${this.#topic} with another partitioner than Kafka's murmur2 over node_id; the events are sent on`,
      )
    }
    const before = this.#sentOn.get(partition)?.events ?? 0
    this.#sentOn.set(partition, { events: before + events, lastMs: this.#clock.monotonicMs() })
  }

  /** For /readyz: this makes nothing unready, but every such event costs twice. */
  notes(): string[] {
    this.#forget()
    if (this.#sentOn.size === 0) return []
    const events = [...this.#sentOn.values()].reduce((sum, one) => sum + one.events, 0)
    const partitions = [...this.#sentOn.keys()].toSorted((left, right) => left - right).join(', ')
    return [
      `somebody writes to ${this.#topic} with another partitioner: ${events} events of other partitions stood on partition ` +
        `${partitions} and were sent on; set the producer's partitioner to murmur2 over the key node_id (docs/producing.md)`,
    ]
  }

  #forget(): void {
    const oldestMs = this.#clock.monotonicMs() - NAMED_MS
    for (const [partition, { lastMs }] of this.#sentOn) {
      if (lastMs < oldestMs) this.#sentOn.delete(partition)
    }
  }
}
