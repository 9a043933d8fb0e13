import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import type { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { openUsageProducer, usageRecord } from '../../support/records/produce.ts'
import type { EventStream } from './event-stream.ts'
import type { Fleet } from '../harness/fleet.ts'
import { postEvents } from './gateway-client.ts'
import type { AttemptOutcome, History } from './history.ts'

const STEP_MS = 100

/** The most requests and sends that may be under way at once; beyond that a step makes no events. */
const UNDER_WAY_MAX = 24

/** Events that wait to be sent again. */
const AGAIN_MAX = 20_000

export interface LoadOptions {
  readonly fleet: Fleet
  readonly history: History
  readonly stream: EventStream
  readonly dice: Dice
}

/**
 * Drives load through both gateways and directly through Kafka, as clients do: an event that was not accepted, or is not
 * known to be, is sent again under the same id. Every attempt goes into the history.
 */
export class Load {
  readonly #options: LoadOptions
  readonly #producer: IdempotentProducer
  #again: UsageEvent[] = []
  #underWay = 0
  /** The send under way: the producer takes one at a time. */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(options: LoadOptions) {
    this.#options = options
    this.#producer = openUsageProducer(options.fleet.installation)
  }

  /** Sends `perSecond` events until `signal` aborts. */
  async run(perSecond: number, signal: AbortSignal): Promise<void> {
    const { stream } = this.#options
    let dueMs = systemClock.monotonicMs()
    while (!signal.aborted) {
      dueMs = Math.max(dueMs + STEP_MS, systemClock.monotonicMs() - STEP_MS)
      if (this.#underWay < UNDER_WAY_MAX) this.#sendStep(stream.next((perSecond * STEP_MS) / 1_000))
      await systemClock.delay(Math.max(0, dueMs - systemClock.monotonicMs()), signal)
    }
  }

  /** Sends the events that wait to be sent again, until all were accepted or `timeoutMs` have passed. */
  async settle(timeoutMs: number): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + timeoutMs
    while (this.#underWay > 0 || this.#again.length > 0) {
      if (systemClock.monotonicMs() > deadlineMs) {
        throw new Error(
          `${this.#again.length} events could not be sent within ${timeoutMs} ms after the heal`,
        )
      }
      if (this.#underWay < UNDER_WAY_MAX && this.#again.length > 0) this.#sendStep([])
      await systemClock.delay(STEP_MS)
    }
  }

  /** Sends events directly to Kafka; resolves with what is known about them. */
  async sendToKafka(events: readonly UsageEvent[]): Promise<AttemptOutcome> {
    const { fleet, history } = this.#options
    const { partitions } = fleet.installation
    const byPartition = Map.groupBy(events, ({ node_id }) => partitionOfNode(node_id, partitions))
    let outcome: AttemptOutcome = 'accepted'
    try {
      await this.#append([...byPartition].map(([partition, some]) => usageRecord(partition, some)))
    } catch {
      outcome = 'unknown'
    }
    for (const event of events) history.attempt(event, outcome)
    return outcome
  }

  async stop(): Promise<void> {
    await this.#producer.stop()
  }

  #sendStep(fresh: readonly UsageEvent[]): void {
    const { dice, stream } = this.#options
    const events = [...this.#again.splice(0, 500), ...fresh]
    const half = Math.floor(events.length / 2)
    this.#track(this.#sendThroughGateway([...events.slice(0, half), ...stream.wrong()]))
    this.#track(this.#sendDirectly(events.slice(half)))
    const conflict = stream.conflict()
    if (conflict !== undefined && dice.next() < 0.5) this.#track(this.#sendConflict(conflict))
  }

  #track(work: Promise<void>): void {
    this.#underWay++
    void work.finally(() => this.#underWay--)
  }

  async #sendThroughGateway(events: readonly UsageEvent[]): Promise<void> {
    if (events.length === 0) return
    const { fleet, dice, history } = this.#options
    const gateway = dice.pick(fleet.of('gateway'))
    const outcomes = await postEvents(gateway.url, events)
    for (const [index, event] of events.entries()) {
      const outcome = outcomes[index] ?? 'unknown'
      if (outcome !== 'not_taken') history.attempt(event, outcome)
      // An event that no gateway may take is not tried in another way.
      if (event.tokens_in >= 0 && (outcome === 'unknown' || outcome === 'not_taken')) this.#sendAgain(event)
    }
  }

  async #sendDirectly(events: readonly UsageEvent[]): Promise<void> {
    if (events.length === 0) return
    if ((await this.sendToKafka(events)) === 'unknown') for (const event of events) this.#sendAgain(event)
  }

  async #sendConflict(event: UsageEvent): Promise<void> {
    const { fleet, history } = this.#options
    try {
      const partition = partitionOfNode(event.node_id, fleet.installation.partitions)
      await this.#append([usageRecord(partition, [event])])
      history.attempt(event, 'accepted', true)
    } catch {
      history.attempt(event, 'unknown', true)
    }
  }

  #append(records: readonly LogAppend[]): Promise<unknown> {
    const sent = this.#sending.then(() => this.#producer.append(records))
    this.#sending = sent.catch(() => {})
    return sent
  }

  #sendAgain(event: UsageEvent): void {
    if (this.#again.length < AGAIN_MAX) this.#again.push(event)
  }
}
