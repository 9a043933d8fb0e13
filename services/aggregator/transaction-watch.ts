import { StableEnds } from '../../pipelines/kafka/stable-ends.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { OpenTransactions, openTransactionNote } from './open-transactions.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** How often the last stable offsets of the partitions are read. */
const LOOK_PAUSE_MS = 3_000

/**
 * Watches usage.metered for transactions that an outside producer leaves open: readers of committed records stop before
 * them, so a partition makes no progress while everything else reports no fault. Hivemeter itself does not write there in
 * transactions.
 */
export class TransactionWatch {
  readonly #parts: LayoutParts
  readonly #ends: StableEnds
  readonly #open = new OpenTransactions()
  readonly #stopping = new AbortController()
  readonly #named = new Set<number>()

  constructor(parts: LayoutParts) {
    const { config, layout, logger, clock } = parts
    this.#parts = parts
    const kafka = kafkaOf(config, 'hivemeter-aggregator', logger)
    this.#ends = new StableEnds({ ...kafka, clock, topic: layout.topics.usageMetered })
    this.#show(clock.monotonicMs())
  }

  /** Checks until it is stopped; a Kafka that does not answer is tried again later. */
  async run(): Promise<void> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const found = await this.#ends.look()
        const nowMs = clock.monotonicMs()
        this.#open.observe(found, nowMs)
        this.#show(nowMs)
        this.#say(nowMs)
      } catch (error) {
        logger.debug({ err: error }, 'it could not be looked for open transactions in usage.metered')
      }
      await clock.delay(LOOK_PAUSE_MS, signal)
    }
  }

  /** For /readyz: transactions that have been open for too long. */
  notes(): string[] {
    const { layout, clock } = this.#parts
    const hanging = this.#open.hanging(clock.monotonicMs())
    return hanging.map((one) => openTransactionNote(layout.topics.usageMetered, one))
  }

  stop(): void {
    this.#stopping.abort()
    this.#ends.stop()
  }

  #show(nowMs: number): void {
    const { layout, metrics } = this.#parts
    for (let partition = 0; partition < layout.partitions; partition += 1) {
      const seconds = this.#open.openMs(partition, nowMs) / SECOND_MS
      metrics.set('hivemeter_open_transaction_seconds', { partition }, seconds)
    }
  }

  /** Logged once for each. */
  #say(nowMs: number): void {
    const { layout, logger } = this.#parts
    const hanging = this.#open.hanging(nowMs)
    for (const one of hanging) {
      if (this.#named.has(one.partition)) continue
      this.#named.add(one.partition)
      const topic = layout.topics.usageMetered
      logger.error({ topic, partition: one.partition }, openTransactionNote(topic, one))
    }
    for (const partition of this.#named) {
      if (!hanging.some((one) => one.partition === partition)) this.#named.delete(partition)
    }
  }
}
