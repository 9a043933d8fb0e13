import { systemClock } from '../../../pipelines/clock.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { bodyOf, postBody } from './gateway-client.ts'
import type { FaultContext } from '../harness/fault.ts'

export const EVENTS_PER_REQUEST = 1_000

/** The events are long: fewer of them fill a send, and what a run has to count afterwards stays small. */
const LONG = { model_id: 'm'.repeat(128), goal_id: 'g'.repeat(64), requester_node_id: 'r'.repeat(64) }

/** How often an open offer checks which requests are due. */
const PACE_MS = 20

/** Requests under way at once from all clients: a gateway takes 1,000 at most. */
const UNDER_WAY_MAX = 3_000

interface Batch {
  readonly events: readonly UsageEvent[]
  readonly body: string
}

/** The gateways' answers to the requests of some time. */
export interface Offered {
  /** The time from the first request until no more were sent. */
  readonly tookMs: number
  readonly requests: number
  /** Events that were acknowledged in that time. */
  readonly acknowledged: number
  readonly refused: number
  readonly refusedWithRetryAfter: number
  readonly unknown: number
  /** Requests that were not sent because too many of the clients' own were under way. */
  readonly heldBack: number
  /** The time that each 503 took. */
  readonly refusedAfterMs: readonly number[]
}

type Tally = { -readonly [Key in keyof Offered]: Offered[Key] } & { refusedAfterMs: number[] }

function emptyTally(): Tally {
  return {
    tookMs: 0,
    requests: 0,
    acknowledged: 0,
    refused: 0,
    refusedWithRetryAfter: 0,
    unknown: 0,
    heldBack: 0,
    refusedAfterMs: [],
  }
}

/** Clients that post batches to some gateways: a batch that was refused as a whole is offered again as it is. */
export class Offering {
  readonly #context: Pick<FaultContext, 'history' | 'stream' | 'dice'>
  readonly #urls: readonly string[]
  readonly #again: Batch[] = []
  #underWay = 0
  #tally = emptyTally()
  #sent = 0

  constructor(context: Pick<FaultContext, 'history' | 'stream' | 'dice'>, urls: readonly string[]) {
    this.#context = context
    this.#urls = urls
  }

  /** Offers as much as the gateways take: each of `clients` sends its next request when the last was answered. */
  async closed(clients: number, forMs: number): Promise<Offered> {
    return await this.#measure(forMs, async (isOver) => {
      const client = async (): Promise<void> => {
        while (!isOver()) await this.#send()
      }
      for (let number = 0; number < clients; number++) void client()
      while (!isOver()) await systemClock.delay(PACE_MS)
    })
  }

  /** Offers this many events a second, whether the ones before were answered or not. */
  async open(eventsPerSecond: number, forMs: number): Promise<Offered> {
    return await this.#measure(forMs, async (isOver) => {
      const perMs = eventsPerSecond / EVENTS_PER_REQUEST / 1_000
      const startMs = systemClock.monotonicMs()
      for (let due = 0, done = 0; !isOver(); ) {
        due = (systemClock.monotonicMs() - startMs) * perMs
        for (; done < due; done++) {
          if (this.#underWay < UNDER_WAY_MAX) void this.#send()
          else this.#tally.heldBack++
        }
        await systemClock.delay(PACE_MS)
      }
    })
  }

  /** Waits until no request is under way. */
  async settle(): Promise<void> {
    while (this.#underWay > 0) await systemClock.delay(PACE_MS)
  }

  /** Answers during the offer count, whenever their request was sent; requests that are under way at its end go on. */
  async #measure(forMs: number, offer: (isOver: () => boolean) => Promise<void>): Promise<Offered> {
    this.#tally = emptyTally()
    const startMs = systemClock.monotonicMs()
    await offer(() => systemClock.monotonicMs() - startMs >= forMs)
    return { ...this.#tally, tookMs: systemClock.monotonicMs() - startMs }
  }

  async #send(): Promise<void> {
    const { history } = this.#context
    const batch = this.#again.pop() ?? this.#fresh()
    const url = this.#urls[this.#sent++ % this.#urls.length] ?? ''
    this.#underWay++
    this.#tally.requests++
    const sentMs = systemClock.monotonicMs()
    const answer = await postBody(url, batch.body, batch.events.length)
    this.#underWay--
    const tally = this.#tally
    for (const [index, event] of batch.events.entries()) {
      const outcome = answer.outcomes[index] ?? 'unknown'
      if (outcome === 'not_taken') continue
      history.attempt(event, outcome)
      if (outcome === 'unknown') tally.unknown++
      if (outcome === 'accepted') tally.acknowledged++
    }
    if (answer.outcomes.every((outcome) => outcome === 'not_taken')) this.#again.push(batch)
    if (answer.status !== 503) return
    tally.refused++
    if (answer.hasRetryAfter) tally.refusedWithRetryAfter++
    tally.refusedAfterMs.push(systemClock.monotonicMs() - sentMs)
  }

  #fresh(): Batch {
    const { stream, dice } = this.#context
    const events = Array.from({ length: EVENTS_PER_REQUEST }, () =>
      stream.fresh(dice.pick(stream.nodes), LONG),
    )
    return { events, body: bodyOf(events) }
  }
}
