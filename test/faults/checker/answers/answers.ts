import { HistoryError } from '../history/history.ts'
import { integerOf, parseObject, textOf } from '../history/history-lines.ts'

/** An answer of the API that was given during the faults. */
export interface Answer {
  /** Its place in the files of the history, for a person. */
  readonly place: string
  readonly reader: string
  /** When the client sent its request and when it had the answer, by one clock. */
  readonly sentMs: number
  readonly atMs: number
  /** Null where the reader had read nothing yet. */
  readonly asOfMs: number | null
  readonly body: AnswerBody
}

export type AnswerBody =
  /** Lifetime counters of a node, by name. */
  | { readonly route: 'provider'; readonly nodeId: string; readonly counters: Counters }
  /** A wallet: its balance, and what each node has earned for it. */
  | {
      readonly route: 'wallet'
      readonly operatorId: string
      readonly counters: Counters
      readonly balance: bigint
    }
  /** Windows of a node between two times. */
  | {
      readonly route: 'usage'
      readonly nodeId: string
      readonly fromMs: number
      readonly toMs: number
      readonly windows: readonly AnsweredWindow[]
    }

export type Counters = ReadonlyMap<string, bigint>

/** One item of a usage answer; `sums` in the order of `USAGE_SUMS` (node-usage.ts). */
export interface AnsweredWindow {
  readonly startMs: number
  readonly endMs: number
  readonly isFinal: boolean
  readonly sums: readonly bigint[]
}

export const USAGE_SUMS = [
  'inferences',
  'tokens_in',
  'tokens_out',
  'gpu_ms',
  'energy_mwh',
  'nano_usd',
] as const

/** Name of the counter of GPU time in a mode. */
export const gpuCounter = (mode: string): string => `gpu_ms in mode ${mode}`

/** Name of the counter of energy in a mode. */
export const energyCounter = (mode: string): string => `energy_mwh in mode ${mode}`

/** Reads a line of answers-*.jsonl; null for an answer about which nothing is promised here (a rolling period). */
export function parseAnswer(line: string, place: string): Answer | null {
  const fields = parseObject(line)
  const body = objectOf(fields, 'body')
  const answered = bodyOf(textOf(fields, 'route'), fields, body)
  if (answered === null) return null
  return {
    place,
    reader: textOf(fields, 'reader'),
    sentMs: integerOf(fields, 'sentMs'),
    atMs: integerOf(fields, 'atMs'),
    asOfMs: body['as_of'] === null ? null : timeOf(body, 'as_of'),
    body: answered,
  }
}

type Fields = Readonly<Record<string, unknown>>

function bodyOf(route: string, fields: Fields, body: Fields): AnswerBody | null {
  if (route === 'provider') {
    if (body['period'] !== 'lifetime') return null
    return { route, nodeId: textOf(body, 'node_id'), counters: providerCounters(body) }
  }
  if (route === 'wallet') {
    const nodes = listOf(body, 'nodes')
    const earned = nodes.map(
      (node) => [`micro_spark of ${textOf(node, 'node_id')}`, sumOf(node, 'micro_spark')] as const,
    )
    const balance = sumOf(body, 'balance_micro_spark')
    const others = ['micro_spark of others', sumOf(objectOf(body, 'unconfirmed'), 'micro_spark')] as const
    const counters = new Map([['balance_micro_spark', balance] as const, ...earned, others])
    return { route, operatorId: textOf(body, 'operator_id'), counters, balance }
  }
  if (route === 'usage') {
    return {
      route,
      nodeId: textOf(fields, 'node'),
      fromMs: timeOf(body, 'from'),
      toMs: timeOf(body, 'to'),
      windows: listOf(body, 'items').map(windowOf),
    }
  }
  throw new HistoryError(`"route" is none that is known: ${route}`)
}

function providerCounters(body: Fields): Counters {
  const stats = objectOf(body, 'compute_stats')
  return new Map([
    ['inferences', sumOf(stats, 'total_inferences')],
    [gpuCounter(textOf(body, 'mode')), sumOf(stats, 'gpu_ms')],
    [energyCounter(textOf(body, 'mode')), sumOf(stats, 'energy_mwh')],
    ['cost_nano_usd', moneyOf(stats, 'metered_api_costs_absorbed_exact')],
    ['micro_spark', sumOf(objectOf(body, 'reward_summary'), 'total_micro_spark_earned')],
  ])
}

function windowOf(item: Fields): AnsweredWindow {
  return {
    startMs: timeOf(item, 'window_start'),
    endMs: timeOf(item, 'window_end'),
    isFinal: item['final'] === true,
    sums: [
      ...(['inferences', 'tokens_in', 'tokens_out', 'gpu_ms', 'energy_mwh'] as const).map((name) =>
        sumOf(item, name),
      ),
      moneyOf(item, 'usd_exact'),
    ],
  }
}

function objectOf(fields: Fields, name: string): Fields {
  const value = fields[name]
  if (typeof value !== 'object' || value === null) throw new HistoryError(`"${name}" is no object`)
  return value as Fields
}

function listOf(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw new HistoryError(`"${name}" is no list`)
  return value as readonly Fields[]
}

const sumOf = (fields: Fields, name: string): bigint => BigInt(integerOf(fields, name))

function timeOf(fields: Fields, name: string): number {
  const atMs = Date.parse(textOf(fields, name))
  if (Number.isNaN(atMs)) throw new HistoryError(`"${name}" is no time`)
  return atMs
}

/** Decimal US dollars in nano-USD. */
function moneyOf(fields: Fields, name: string): bigint {
  const [, whole, decimals = ''] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(textOf(fields, name)) ?? []
  if (whole === undefined) throw new HistoryError(`"${name}" is no amount`)
  return BigInt(whole + decimals.padEnd(9, '0'))
}
