import { systemClock } from '../../../pipelines/clock.ts'
import { REQUEST_BYTES_MAX } from '../../../services/http/in-flight.ts'
import { WAITING_BYTES_MAX } from '../../../services/gateway/queue/record-queue.ts'
import type { FaultContext } from '../harness/fault.ts'
import type { Fleet } from '../harness/fleet.ts'
import { EVENTS_PER_REQUEST, Offering } from './offering.ts'
import type { Offered } from './offering.ts'

/** Enough requests under way that a gateway always has the next send full: two of 900 kB each. */
const CLIENTS = 64
const SAMPLE_MS = 500

const GOODPUT_SHARE_MIN = 0.9
/** What a gateway may hold by its own bounds; a process that has just started has none of it yet. */
const GROWTH_BYTES_MAX = REQUEST_BYTES_MAX + WAITING_BYTES_MAX
const REFUSED_AFTER_MS_MAX = 1_000

/** The clients offered less than intended by this much: then they were the limit, and nothing was shown. */
const OFFERED_SHARE_MIN = 0.8

export interface OverloadOptions {
  /** How many of the two gateways are offered too much. */
  readonly gateways: 1 | 2
  /** As much as the gateways take, and none of it counts: it lasts until answers come as steadily as requests. */
  readonly warmUpMs: number
  readonly capacityMs: number
  readonly overloadMs: number
  /** The overload, as a multiple of what the gateways take. */
  readonly times: number
  /** The delay of the broker's answers to the gateways. 0: their own processor is their limit. */
  readonly logDelayMs: number
}

/**
 * A log that answers slowly: then the gateways take some 8,000 events a second, which the other services can count
 * meanwhile. Three brokers and their fetches from each other use much of the same processors, so there the log answers
 * more slowly, and one gateway is offered too much: clients that wait for a processor would measure themselves, and an
 * answer of the log that waits for one outlasts the gateway's patience. The delay is shorter than a request for leaders
 * may take (LOOK_UP_TIMEOUT_MS), or no broker would count as a leader, and nothing would be acknowledged.
 */
export const overloadOn = (brokers: number): OverloadOptions => ({
  gateways: brokers === 1 ? 2 : 1,
  warmUpMs: 6_000,
  capacityMs: 15_000,
  overloadMs: 30_000,
  times: 3,
  logDelayMs: brokers === 1 ? 500 : 750,
})

/** The result of an overload. Goodput is events a second that a gateway has acknowledged: they are in the log. */
export interface Overload {
  readonly capacity: number
  readonly goodput: number
  /** Events a second that were sent; refused ones count again each time. */
  readonly offered: number
  readonly times: number
  readonly requests: number
  readonly refused: number
  readonly refusedWithRetryAfter: number
  readonly refusedAfterMsP99: number
  readonly unknown: number
  readonly heldBack: number
  /** For the gateway that grew most: resident bytes before the first slot, at most, and after the last. */
  readonly memory: { readonly before: number; readonly most: number; readonly after: number }
}

/**
 * Offers the gateways as much as they take, then `times` as much. A gateway is limited by one send to the log after the
 * other, or by its own processor; never by the aggregator, whose backlog stays in Kafka.
 */
export async function measureOverload(context: FaultContext, options: OverloadOptions): Promise<Overload> {
  const gateways = context.fleet.of('gateway').slice(0, options.gateways)
  for (const { kafka } of gateways) kafka.delayMs = options.logDelayMs
  const offering = new Offering(
    context,
    gateways.map(({ url }) => url),
  )
  try {
    return await offerInTurn(context, offering, options)
  } finally {
    for (const { kafka } of gateways) kafka.delayMs = 0
  }
}

async function offerInTurn(
  context: FaultContext,
  offering: Offering,
  options: OverloadOptions,
): Promise<Overload> {
  const over = new AbortController()
  const before = await residentBytes(context.fleet)
  const sampling = sampleMemory(context.fleet, before, over.signal)
  await offering.closed(CLIENTS, options.warmUpMs)
  const capacity = await offering.closed(CLIENTS, options.capacityMs)
  const overload = await offering.open(options.times * perSecond(capacity), options.overloadMs)
  over.abort()
  await offering.settle()
  return {
    capacity: perSecond(capacity),
    goodput: perSecond(overload),
    offered: (overload.requests * EVENTS_PER_REQUEST * 1_000) / options.overloadMs,
    times: options.times,
    requests: overload.requests,
    refused: overload.refused,
    refusedWithRetryAfter: overload.refusedWithRetryAfter,
    refusedAfterMsP99: quantile(overload.refusedAfterMs, 0.99),
    unknown: overload.unknown,
    heldBack: overload.heldBack,
    memory: await sampling,
  }
}

/** The result in words, for a person. */
export function describeOverload(overload: Overload): string {
  const { capacity, goodput, offered, requests, refused, refusedAfterMsP99, unknown, memory } = overload
  const { heldBack } = overload
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0)
  return [
    `overload: ${capacity.toFixed(0)} events/s at capacity, ${offered.toFixed(0)} offered, ${goodput.toFixed(0)} acknowledged`,
    `(${((100 * goodput) / capacity).toFixed(1)} %); ${refused} of ${requests} requests got 503, p99 after ${refusedAfterMsP99.toFixed(0)} ms;`,
    `${unknown} events of unknown outcome, ${heldBack} requests held back by the clients;`,
    `memory of a gateway ${mb(memory.before)} MB before, ${mb(memory.most)} at most, ${mb(memory.after)} after`,
  ].join(' ')
}

/** What an overload must not cause, in words; empty where it caused none of it. */
export function problemsOf(overload: Overload): string[] {
  const { capacity, goodput, offered, times, refused, refusedWithRetryAfter, refusedAfterMsP99, memory } =
    overload
  const problems: string[] = []
  if (capacity === 0) problems.push('nothing was acknowledged at capacity, so nothing was shown')
  if (offered < OFFERED_SHARE_MIN * times * capacity) {
    problems.push(`the clients offered only ${(offered / capacity).toFixed(1)} times the capacity`)
  }
  if (goodput < GOODPUT_SHARE_MIN * capacity) {
    problems.push(`goodput fell to ${((100 * goodput) / capacity).toFixed(1)} % of that at capacity`)
  }
  if (refusedWithRetryAfter < refused) {
    problems.push(`${refused - refusedWithRetryAfter} answers 503 had no Retry-After`)
  }
  if (refusedAfterMsP99 > REFUSED_AFTER_MS_MAX) {
    problems.push(`the 99th percentile of the answers 503 came after ${refusedAfterMsP99.toFixed(0)} ms`)
  }
  if (memory.after - memory.before > GROWTH_BYTES_MAX) {
    problems.push(`a gateway grew by ${((memory.after - memory.before) / 1e6).toFixed(0)} MB`)
  }
  return problems
}

/** The value below which `share` of the values lie; 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function perSecond({ acknowledged, tookMs }: Offered): number {
  return (acknowledged * 1_000) / tookMs
}

async function residentBytes(fleet: Fleet): Promise<readonly number[]> {
  return await Promise.all(fleet.of('gateway').map((one) => one.metric('process_resident_memory_bytes')))
}

/** For the gateway that grew most. A gateway that does not answer in time is queried again. */
async function sampleMemory(
  fleet: Fleet,
  before: readonly number[],
  signal: AbortSignal,
): Promise<Overload['memory']> {
  const most = [...before]
  const after = [...before]
  while (!signal.aborted) {
    await systemClock.delay(SAMPLE_MS, signal)
    for (const [index, bytes] of (await residentBytes(fleet)).entries()) {
      if (bytes === 0) continue
      after[index] = bytes
      most[index] = Math.max(most[index] ?? 0, bytes)
    }
  }
  const all = before.map((bytes, index) => ({
    before: bytes,
    most: most[index] ?? 0,
    after: after[index] ?? 0,
  }))
  const [worst] = all.toSorted((left, right) => right.after - right.before - (left.after - left.before))
  return worst ?? { before: 0, most: 0, after: 0 }
}
