import { systemClock } from '../../../pipelines/clock.ts'
import { nodesOf } from '../../support/records/produce.ts'
import type { EventStream } from './event-stream.ts'
import type { Fleet } from '../harness/fleet.ts'
import { bodyOf, postBody } from './gateway-client.ts'
import type { PostAnswer } from './gateway-client.ts'
import type { History } from './history.ts'
import { longestGapMs } from '../harness/outage.ts'
import type { Span } from '../harness/outage.ts'

/** The time from one event to the next of a partition: the finest gap that can be measured. */
const PERIOD_MS = 250

/** The most events of one partition that may be without an answer at once; beyond that an event is left out. */
const UNDER_WAY_MAX = 64

/** Answers to clients over some time that were no 202. */
export interface Refusals {
  /** A 503 that says that nothing was taken: the request may be sent again. */
  readonly refused: number
  readonly refusedWithoutRetryAfter: number
  /** The time of the slowest of them; 0 where there was none. */
  readonly refusedAfterMsMax: number
  /** Requests whose outcome is unknown: a 503 that says so, or no answer. */
  readonly unknown: number
}

interface OtherAnswer {
  readonly atMs: number
  readonly tookMs: number
  readonly answer: PostAnswer
}

/**
 * A client with one small, paid event for every partition at a steady pace, through both gateways in turn, whatever
 * became of the one before: the answers show how long each partition was without an acknowledgement.
 */
export class AckMeter {
  readonly #fleet: Fleet
  readonly #history: History
  readonly #stream: EventStream
  /** The times of 202, by partition. */
  readonly #acknowledged: number[][]
  /** All other answers. */
  readonly #others: OtherAnswer[] = []

  constructor(fleet: Fleet, history: History, stream: EventStream) {
    this.#fleet = fleet
    this.#history = history
    this.#stream = stream
    this.#acknowledged = Array.from({ length: fleet.installation.partitions }, () => [])
  }

  /** Sends events until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#acknowledged.map((times, partition) => this.#send(partition, times, signal)))
  }

  /** The longest time that any partition was without a 202 in the span, which may have begun before it. */
  withoutAckMs(span: Span): number {
    return Math.max(...this.#acknowledged.map((times) => longestGapMs(times, span)))
  }

  /** The answers in the span that were no 202. */
  refusals({ fromMs, toMs }: Span): Refusals {
    const answers = this.#others.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    const isRefused = ({ answer }: OtherAnswer): boolean =>
      answer.status === 503 && answer.outcomes[0] === 'not_taken'
    const refused = answers.filter(isRefused)
    return {
      refused: refused.length,
      refusedWithoutRetryAfter: refused.filter(({ answer }) => !answer.hasRetryAfter).length,
      refusedAfterMsMax: Math.max(0, ...refused.map(({ tookMs }) => tookMs)),
      unknown: answers.filter(({ answer }) => answer.outcomes[0] === 'unknown').length,
    }
  }

  async #send(partition: number, times: number[], signal: AbortSignal): Promise<void> {
    const [node = ''] = nodesOf(partition, this.#acknowledged.length, 1)
    const gateways = this.#fleet.of('gateway')
    let underWay = 0
    for (let turn = partition; !signal.aborted; turn++) {
      const gateway = gateways[turn % 2 === 0 ? 0 : 1]
      if (underWay < UNDER_WAY_MAX) {
        underWay++
        void this.#post(gateway.url, node, times).finally(() => underWay--)
      }
      await systemClock.delay(PERIOD_MS, signal)
    }
  }

  async #post(url: string, node: string, times: number[]): Promise<void> {
    const event = this.#stream.fresh(node, {
      task_source: 'hive',
      cost_nano_usd: 1_000,
      occurred_at: systemClock.nowMs(),
      reservation_id: null,
    })
    const sentMs = systemClock.monotonicMs()
    const answer = await postBody(url, bodyOf([event]), 1)
    const [outcome = 'unknown'] = answer.outcomes
    if (outcome !== 'not_taken') this.#history.attempt(event, outcome)
    const atMs = systemClock.nowMs()
    if (outcome === 'accepted') times.push(atMs)
    // No process listened: the gateway itself is down, which shows nothing about the log.
    else if (answer.status !== undefined || outcome === 'unknown') {
      this.#others.push({ atMs, tookMs: systemClock.monotonicMs() - sentMs, answer })
    }
  }
}
