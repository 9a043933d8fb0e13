import type { OutageBound } from './fault.ts'
import type { Span } from './outage.ts'

/** One strike on Kafka: its time, the time until all had healed, and the time that Kafka itself needed. */
export interface KafkaStrike extends Span, OutageBound {
  readonly fault: string
}

/** The results of all strikes of one kind. */
export interface FaultResult {
  readonly fault: string
  injected: number
  openTransactions: number
  runningInserts: number
  readonly recoveriesMs: number[]
}

/** What the checker found, as its last line reports it. */
export interface Verdict {
  readonly events: number
  readonly unknown: number
  readonly lost: number
  readonly countedTwice: number
  readonly paidTwice: number
  readonly differences: number
}

/** Adds strikes up, a line per fault. */
export class Results {
  readonly #byFault = new Map<string, FaultResult>()
  readonly #strikes: KafkaStrike[] = []

  add(fault: string, strike: { readonly openTransactions: number; readonly runningInserts: number }): void {
    const result = this.#of(fault)
    result.injected++
    result.openTransactions += strike.openTransactions
    result.runningInserts += strike.runningInserts
  }

  recovered(fault: string, recoveryMs: number): void {
    this.#of(fault).recoveriesMs.push(recoveryMs)
  }

  outage(strike: KafkaStrike): void {
    this.#strikes.push(strike)
  }

  get strikes(): readonly KafkaStrike[] {
    return this.#strikes
  }

  get all(): readonly FaultResult[] {
    return [...this.#byFault.values()].toSorted((left, right) => (left.fault < right.fault ? -1 : 1))
  }

  get injected(): number {
    return this.all.reduce((sum, { injected }) => sum + injected, 0)
  }

  #of(fault: string): FaultResult {
    let result = this.#byFault.get(fault)
    if (result === undefined) {
      result = { fault, injected: 0, openTransactions: 0, runningInserts: 0, recoveriesMs: [] }
      this.#byFault.set(fault, result)
    }
    return result
  }
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : (ms / 1_000).toFixed(1))

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[sorted.length >>> 1]
}

/** The table of a run: a line per fault, and the sums of all of them. */
export function table(results: readonly FaultResult[]): string {
  const head = ['fault', 'injected', 'in a transaction', 'in an INSERT', 'recovery median s', 'worst s']
  const rows = results.map(({ fault, injected, openTransactions, runningInserts, recoveriesMs }) => [
    fault,
    String(injected),
    String(openTransactions),
    String(runningInserts),
    seconds(median(recoveriesMs)),
    seconds(recoveriesMs.length === 0 ? undefined : Math.max(...recoveriesMs)),
  ])
  const sum = (of: (result: FaultResult) => number): string =>
    String(results.reduce((total, result) => total + of(result), 0))
  const all = results.flatMap(({ recoveriesMs }) => recoveriesMs)
  const total = [
    'all',
    sum(({ injected }) => injected),
    sum(({ openTransactions }) => openTransactions),
    sum(({ runningInserts }) => runningInserts),
    seconds(median(all)),
    seconds(all.length === 0 ? undefined : Math.max(...all)),
  ]
  const lines = [head, head.map(() => '---'), ...rows, total]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The results for the events, in a line. */
export function countsLine({ lost, countedTwice, paidTwice, events, unknown }: Verdict): string {
  return `events lost ${lost}, counted twice ${countedTwice}, paid twice ${paidTwice}; accepted ${events}, attempts of unknown outcome ${unknown}`
}

/** The last line of a run. */
export function lastLine({ events, lost, countedTwice, paidTwice }: Verdict, faults: number): string {
  return `${events} events, ${faults} faults: ${lost} lost, ${countedTwice} counted twice, ${paidTwice} paid twice`
}
