import type { Metrics } from '../../schemas/metrics.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import type { BatchOutcome } from './produce/attempts.ts'
import { overKafka } from './produce/over-kafka.ts'
import type { ProduceOver } from './produce/over-kafka.ts'
import { SequencedProducer } from './produce/sequenced-producer.ts'
import { Unanswered } from './produce/wire.ts'
import type { ProducerIdentity, ProduceWire } from './produce/wire.ts'
import { ProduceError } from '../log/producer.ts'
import type { Acknowledgement, LogProducer } from '../log/producer.ts'
import type { LogAppend } from '../log/records.ts'

/** How long a batch is sent again and again: longer than Kafka's own failover (broker.session.timeout.ms, 9 s). */
export const DELIVERY_TIMEOUT_MS = 14_000

/** Pause between two requests for a producer id. */
const INIT_PAUSE_MS = 100

export interface IdempotentProducerOptions extends KafkaOptions {
  readonly topic: string
  readonly metrics: Metrics
}

interface Session {
  readonly producer: SequencedProducer
  isSpent: boolean
}

/**
 * The producer of gateway, reader and ticks. After any outcome but an acknowledgement its producer id is used up: what is
 * under way on other partitions ends under it, and the next batches get a new one.
 */
export class IdempotentProducer implements LogProducer {
  readonly #options: IdempotentProducerOptions
  readonly #over: ProduceOver
  readonly #underWay = new Set<number>()
  #wire: ProduceWire | undefined
  #session: Promise<Session> | undefined
  readonly #sessions = new Set<Session>()
  #isStopped = false

  constructor(options: IdempotentProducerOptions, over: ProduceOver = overKafka(options)) {
    this.#options = options
    this.#over = over
  }

  appendEach(records: readonly LogAppend[]): ReadonlyMap<number, Promise<Acknowledgement>> {
    const byPartition = Map.groupBy(records, ({ partition }) => partition)
    for (const partition of byPartition.keys()) {
      if (this.#underWay.has(partition))
        throw new Error(`An append to partition ${partition} is under way: one at a time.`)
    }
    for (const partition of byPartition.keys()) this.#underWay.add(partition)
    const outcomes = this.#send(records)
    return new Map(
      Array.from(byPartition, ([partition, { length }]) => [
        partition,
        this.#acknowledged(partition, length, outcomes),
      ]),
    )
  }

  async append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    const each = this.appendEach(records)
    const settled = await Promise.allSettled(each.values())
    const failed = settled.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return new Map(
      Array.from(each.keys(), (partition, index) => {
        const outcome = settled[index] as PromiseFulfilledResult<Acknowledgement>
        return [partition, outcome.value]
      }),
    )
  }

  /** Ends what is under way as unknown and closes the connections. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { producer } of this.#sessions) producer.close()
    await this.#wire?.close()
  }

  async #acknowledged(
    partition: number,
    count: number,
    outcomes: Promise<ReadonlyMap<string, Promise<BatchOutcome>>>,
  ): Promise<Acknowledgement> {
    const { topic, metrics } = this.#options
    try {
      const outcome = await (await outcomes).get(`${topic}/${partition}`)
      if (outcome?.is === 'acknowledged') {
        const { baseOffset, logAppendTimeMs } = outcome
        if (logAppendTimeMs < 0)
          throw new ProduceError(`topic ${topic} does not stamp LogAppendTime; run the migrate command`)
        return { baseOffset, logAppendTimeMs }
      }
      metrics.count('hivemeter_produce_failures_total')
      const detail = outcome?.error ?? 'no outcome was given'
      throw new ProduceError(
        `Kafka did not acknowledge ${count} records for ${topic}/${partition}: ${detail}`,
        {
          mayBeStored: outcome?.is !== 'not_stored',
        },
      )
    } finally {
      this.#underWay.delete(partition)
    }
  }

  async #send(records: readonly LogAppend[]): Promise<ReadonlyMap<string, Promise<BatchOutcome>>> {
    const { topic } = this.#options
    const session = await this.#begun()
    const outcomes = session.producer.send(
      records.map((record) => ({ ...record, topic })),
      DELIVERY_TIMEOUT_MS,
    )
    for (const outcome of outcomes.values()) {
      void outcome.then(({ is }) => {
        if (is !== 'acknowledged') session.isSpent = true
        if (session.isSpent && session.producer.size === 0) this.#sessions.delete(session)
      })
    }
    return outcomes
  }

  /** The session for new batches; never one whose id is used up. */
  async #begun(): Promise<Session> {
    for (;;) {
      const beginning = (this.#session ??= this.#begin())
      try {
        const session = await beginning
        if (!session.isSpent) return session
      } catch (error) {
        if (this.#session === beginning) this.#session = undefined
        throw error
      }
      if (this.#session === beginning) this.#session = undefined
    }
  }

  async #begin(): Promise<Session> {
    if (this.#isStopped) throw new ProduceError('The producer was stopped.', { mayBeStored: false })
    const { clock, openWire } = this.#over
    const wire = (this.#wire ??= openWire())
    const identity = await this.#newIdentity(wire)
    const session = {
      producer: new SequencedProducer({ wire, clock, identity, transactionalId: null }),
      isSpent: false,
    }
    this.#sessions.add(session)
    return session
  }

  async #newIdentity(wire: ProduceWire): Promise<ProducerIdentity> {
    const { clock } = this.#over
    const deadlineMs = clock.monotonicMs() + DELIVERY_TIMEOUT_MS
    for (;;) {
      let reason: string
      try {
        const answer = await wire.initProducer()
        if ('value' in answer) return answer.value
        reason = answer.error
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        reason = error.message
      }
      if (this.#isStopped || clock.monotonicMs() + INIT_PAUSE_MS >= deadlineMs) {
        this.#options.metrics.count('hivemeter_produce_failures_total')
        throw new ProduceError(`Kafka gave no producer id: ${reason}`, { mayBeStored: false })
      }
      await clock.delay(INIT_PAUSE_MS)
    }
  }
}
