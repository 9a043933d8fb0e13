/** A stretch of time by the machine's clock. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The longest time within the span that has none of the ascending `times`. The part of a gap that lies outside of the
 * span belongs to the strike before or after it: between two strikes everything works again.
 */
export function longestGapMs(times: readonly number[], { fromMs, toMs }: Span): number {
  let longest = 0
  let last = fromMs
  for (const time of times) {
    if (time <= fromMs) continue
    if (time >= toMs) break
    longest = Math.max(longest, time - last)
    last = time
  }
  return Math.max(longest, toMs - last)
}

/** What clients and tasks had to do without while Kafka was struck. */
export interface Outage {
  readonly fault: string
  /** The time until no partition waited for the struck broker any more; null where Kafka has nothing to fail over to. */
  readonly failoverMs: number | null
  /** The longest time that a partition was without a 202. */
  readonly withoutAckMs: number
  /** The longest time that a partition was without a decided cost, by the log's times; null where it was not measured. */
  readonly withoutCostMs: number | null
  readonly refused: number
  readonly refusedWithoutRetryAfter: number
  readonly refusedAfterMsMax: number
  readonly unknown: number
  /** The most that `withoutAckMs` and `withoutCostMs` may be; null where nothing is promised. */
  readonly boundMs: number | null
}

/** The slowest clean answer of a gateway that cannot take an event. */
const REFUSED_AFTER_MS_MAX = 2_000

/** Where an outage was worse than promised, in words; empty where it was not. */
export function problemsOf(outage: Outage): string[] {
  const { fault, boundMs, withoutAckMs, withoutCostMs } = outage
  const problems: string[] = []
  const exceeds = (what: string, ms: number | null): void => {
    if (boundMs !== null && ms !== null && ms > boundMs) {
      problems.push(`${fault}: ${seconds(ms)} s ${what}, where ${seconds(boundMs)} s are promised`)
    }
  }
  exceeds('without a 202', withoutAckMs)
  exceeds('without a decided cost', withoutCostMs)
  if (outage.refusedWithoutRetryAfter > 0) {
    problems.push(`${fault}: ${outage.refusedWithoutRetryAfter} answers 503 had no Retry-After`)
  }
  if (outage.refusedAfterMsMax > REFUSED_AFTER_MS_MAX) {
    problems.push(`${fault}: a 503 took ${seconds(outage.refusedAfterMsMax)} s`)
  }
  return problems
}

/** The table of outages, a line per fault: medians and worst values in seconds. */
export function outageTable(outages: readonly Outage[]): string {
  const head = [
    'fault',
    'struck',
    'failover of Kafka, worst s',
    'without a 202, median s',
    'worst s',
    'without a decided cost, median s',
    'worst s',
    '503',
    'slowest 503 s',
    'of unknown outcome',
  ]
  const byFault = Map.groupBy(outages, ({ fault }) => fault)
  const rows = [...byFault]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([fault, some]) => {
      const acks = some.map(({ withoutAckMs }) => withoutAckMs)
      const costs = some.flatMap(({ withoutCostMs }) => withoutCostMs ?? [])
      const failovers = some.flatMap(({ failoverMs }) => failoverMs ?? [])
      return [
        fault,
        String(some.length),
        worst(failovers),
        median(acks),
        worst(acks),
        median(costs),
        worst(costs),
        String(some.reduce((sum, { refused }) => sum + refused, 0)),
        worst(some.flatMap(({ refused, refusedAfterMsMax }) => (refused > 0 ? refusedAfterMsMax : []))),
        String(some.reduce((sum, { unknown }) => sum + unknown, 0)),
      ]
    })
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted[sorted.length >>> 1]
  return middle === undefined ? '-' : seconds(middle)
}

function worst(values: readonly number[]): string {
  return values.length === 0 ? '-' : seconds(Math.max(...values))
}
