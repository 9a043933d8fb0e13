import { WATERMARK_DELAY_MS } from '../../../../schemas/usage.ts'
import { energyCounter, gpuCounter } from './answers.ts'
import type { Answer, AnsweredWindow, AnswerBody } from './answers.ts'
import type { History } from '../history/history.ts'
import type { LedgerRow } from '../tables/ledger.ts'
import { measuresOfCounted } from '../tables/node-totals.ts'
import { NodeUsage, USAGE_SUMS } from './node-usage.ts'
import type { QueriedWindow, WindowBounds } from './node-usage.ts'
import type { Problems } from '../problems.ts'
import type { Counted } from '../tables/raw-rows.ts'
import type { Settled } from '../tables/settlements.ts'
import { Timeline } from './timeline.ts'
import type { TimedValues } from './timeline.ts'

/** One machine, one clock: the most that the broker's and the client's readings of it may differ. */
const CLOCK_SLACK_MS = 1_000

const LIFETIME = [
  'inferences',
  gpuCounter('compatible'),
  gpuCounter('corrected'),
  energyCounter('compatible'),
  energyCounter('corrected'),
  'cost_nano_usd',
]

/** What was stored in the end; the bounds of every answer follow from it. */
export interface Stored {
  readonly history: History
  readonly counted: Iterable<Counted>
  readonly settlements: Iterable<Settled>
  /** The wallet legs of operators: no answer contains a reward before it was booked. */
  readonly rewards: Iterable<LedgerRow>
}

/**
 * Bounds of answers, from what is stored in the end.
 *
 * - Not older than as_of: a watermark is the newest receipt taken in, minus five minutes; so everything received before
 *   as_of plus five minutes must be in the answer.
 * - Not ahead: nothing that Kafka took after the answer had come can be in it, and as_of is at least five minutes old.
 * - A window that is called final holds every event of its time that is not marked late.
 */
export class AnswerBounds {
  readonly #problems: Problems
  readonly #events: ReadonlyMap<string, readonly Counted[]>
  readonly #lifetimes = new Map<string, Timeline>()
  readonly #usages = new Map<string, NodeUsage>()
  readonly #sent: ReadonlyMap<string, number>
  /**
   * By "node …" and "wallet …": the amounts paid, by log time; and by the receipt of the event or request that caused
   * them.
   */
  readonly #booked: ReadonlyMap<string, Timeline>
  readonly #triggered: ReadonlyMap<string, Timeline>

  constructor({ history, counted, settlements, rewards }: Stored, problems: Problems) {
    this.#problems = problems
    this.#events = Map.groupBy(counted, ({ nodeId }) => nodeId)
    this.#sent = sentInferences(history)
    const settled = [...settlements]
    const booked = settled.map(({ nodeId, operatorId, microSpark, settledAtMs: atMs }) => {
      return { nodeId, operatorId, microSpark, atMs }
    })
    for (const { nodeId, walletId: operatorId, microSpark, bookedAtMs: atMs } of rewards) {
      booked.push({ nodeId, operatorId, microSpark, atMs })
    }
    this.#booked = payments(booked)
    const triggered = settled.map(({ nodeId, operatorId, microSpark, triggeredAtMs: atMs }) => {
      return { nodeId, operatorId, microSpark, atMs }
    })
    this.#triggered = payments(triggered)
  }

  check(answer: Answer): void {
    const { place, atMs, asOfMs, body } = answer
    if (asOfMs !== null && asOfMs > atMs - WATERMARK_DELAY_MS + CLOCK_SLACK_MS) {
      this.#problems.add(
        'answer',
        `${place}: as_of is ${atMs - asOfMs} ms old; a watermark is five minutes behind`,
      )
    }
    if (body.route === 'provider') this.#checkProvider(answer, body)
    else if (body.route === 'wallet') this.#checkWallet(answer, body)
    else this.#checkUsage(answer, body)
  }

  #checkProvider(answer: Answer, body: AnswerBody & { route: 'provider' }): void {
    const { nodeId, counters } = body
    const what = `${answer.place}, node ${nodeId}`
    const timeline = this.#lifetime(nodeId)
    const [least, most] = [timeline.before(takenInBefore(answer)), timeline.before(arrivedBefore(answer))]
    for (const [column, name] of LIFETIME.entries()) {
      this.#within(`${what}: ${name}`, counters.get(name), least[column] ?? 0n, most[column] ?? 0n)
    }
    const inferences = counters.get('inferences') ?? 0n
    const sent = BigInt(this.#sent.get(nodeId) ?? 0)
    if (inferences > sent) {
      this.#problems.add('answer', `${what}: inferences is ${inferences}, only ${sent} were ever sent`)
    }
    this.#checkPaid(answer, `node ${nodeId}`, `${what}: micro_spark`, counters.get('micro_spark'))
  }

  #checkWallet(answer: Answer, { operatorId, counters, balance }: AnswerBody & { route: 'wallet' }): void {
    const what = `${answer.place}, wallet ${operatorId}: balance_micro_spark`
    this.#checkPaid(answer, `wallet ${operatorId}`, what, balance)
    const nodes = [...counters].filter(([name]) => name !== 'balance_micro_spark')
    const sum = nodes.reduce((total, [, value]) => total + value, 0n)
    this.#problems.compare('answer', what, sum, balance)
  }

  #checkPaid(answer: Answer, payee: string, what: string, found: bigint | undefined): void {
    const least = this.#triggered.get(payee)?.before(takenInBefore(answer))[0] ?? 0n
    const most = this.#booked.get(payee)?.before(arrivedBefore(answer))[0] ?? 0n
    this.#within(what, found, least, most)
  }

  #checkUsage(answer: Answer, body: AnswerBody & { route: 'usage' }): void {
    const { nodeId, fromMs, toMs } = body
    const what = `${answer.place}, usage of node ${nodeId}`
    // Groups of one window are added up, and so are all windows: that shows a missing one.
    const windows = [...Map.groupBy(body.windows, ({ startMs }) => startMs).values()]
      .map((groups) => {
        const { startMs, endMs, isFinal } = groups[0] as AnsweredWindow
        return { startMs, endMs, isFinal, sums: addUp(groups) }
      })
      .sort((left, right) => left.startMs - right.startMs)
    const whole = { startMs: fromMs, endMs: toMs, isFinal: false, sums: addUp(body.windows) }
    const [bounds] = this.#usageBounds(nodeId, answer, [whole])
    this.#checkSums(`${what} as a whole`, whole, bounds)
    for (const [place, bounds] of this.#usageBounds(nodeId, answer, windows).entries()) {
      const window = windows[place] as AnsweredWindow
      this.#checkSums(`${what} from ${new Date(window.startMs).toISOString()}`, window, bounds)
    }
  }

  #usageBounds(nodeId: string, answer: Answer, windows: readonly QueriedWindow[]): WindowBounds[] {
    let usage = this.#usages.get(nodeId)
    if (usage === undefined) {
      usage = new NodeUsage(this.#events.get(nodeId) ?? [])
      this.#usages.set(nodeId, usage)
    }
    return usage.bounds(windows, takenInBefore(answer), arrivedBefore(answer))
  }

  #checkSums(what: string, { sums }: AnsweredWindow, bounds: WindowBounds | undefined): void {
    for (const [column, name] of USAGE_SUMS.entries()) {
      this.#within(`${what}: ${name}`, sums[column], bounds?.least[column] ?? 0n, bounds?.most[column] ?? 0n)
    }
  }

  #within(what: string, found: bigint | undefined, least: bigint, most: bigint): void {
    if (found === undefined) return
    if (found < least) {
      this.#problems.add('answer', `${what} is ${found}, older than as_of says: it must be at least ${least}`)
    }
    if (found > most) {
      this.#problems.add('answer', `${what} is ${found}, ahead of what had arrived: ${most} at most`)
    }
  }

  #lifetime(nodeId: string): Timeline {
    const known = this.#lifetimes.get(nodeId)
    if (known !== undefined) return known
    const shared = (this.#events.get(nodeId) ?? []).filter(({ work }) => work.taskSource !== 'own')
    const timeline = new Timeline(shared.map(lifetimeValues), LIFETIME.length)
    this.#lifetimes.set(nodeId, timeline)
    return timeline
  }
}

/** Receipts before this time are in the answer. */
function takenInBefore({ asOfMs }: Answer): number {
  return asOfMs === null ? Number.NEGATIVE_INFINITY : asOfMs + WATERMARK_DELAY_MS - CLOCK_SLACK_MS
}

/** Receipts from this time on are not in the answer. */
function arrivedBefore({ atMs }: Answer): number {
  return atMs + CLOCK_SLACK_MS
}

function lifetimeValues(event: Counted): TimedValues {
  const measures = measuresOfCounted(event)
  const corrected = measures.energyMwhMeasured + measures.energyMwhEstimated
  const gpuMs = measures.gpuMsMeasured + measures.gpuMsEstimated
  const { gpuMsPaidEstimated: paid, energyMwhCompatible } = measures
  const values = [
    event.work.inferences,
    gpuMs,
    gpuMs - paid,
    energyMwhCompatible,
    corrected,
    event.work.costNanoUsd,
  ].map(BigInt)
  return { atMs: event.receivedAtMs, values }
}

function addUp(windows: readonly AnsweredWindow[]): bigint[] {
  return USAGE_SUMS.map((_, column) => windows.reduce((sum, { sums }) => sum + (sums[column] ?? 0n), 0n))
}

/** Calls for others that were ever sent and not refused, by node. */
function sentInferences(history: History): Map<string, number> {
  const nodes = new Map<string, number>()
  for (const [identity, { work }] of history.sent) {
    if (work.taskSource === 'own') continue
    const nodeId = identity.slice(0, identity.indexOf(' '))
    nodes.set(nodeId, (nodes.get(nodeId) ?? 0) + work.inferences)
  }
  return nodes
}

interface Payment {
  readonly nodeId: string
  readonly operatorId: string
  readonly microSpark: bigint
  /** Null for a payment whose time cannot be determined. */
  readonly atMs: number | null
}

function payments(all: readonly Payment[]): Map<string, Timeline> {
  const byPayee = new Map<string, TimedValues[]>()
  for (const { nodeId, operatorId, microSpark, atMs } of all) {
    if (atMs === null) continue
    const paid = { atMs, values: [microSpark] }
    for (const payee of [`node ${nodeId}`, `wallet ${operatorId}`]) {
      const known = byPayee.get(payee)
      if (known === undefined) byPayee.set(payee, [paid])
      else known.push(paid)
    }
  }
  return new Map([...byPayee].map(([payee, paid]) => [payee, new Timeline(paid, 1)]))
}
