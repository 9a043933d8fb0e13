import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { holdsUsageEvents, usageEventsIn } from '../../../schemas/usage-values.ts'
import { identityOf } from '../../../schemas/identity.ts'
import type { IdKind } from '../../../schemas/identity.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { COMPILED_TABLE } from '../../../schemas/model-table.ts'
import type { ModelTable } from '../../../schemas/model-table.ts'
import { NO_MORE } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { lookupName } from '../../../pipelines/dedupe/lookup.ts'
import type { Row } from './row-reader.ts'

/** The result of a log of usage.metered, by the rules, for one event after the other: no batch, no memory, no bound. */
export interface UsageOracle {
  /** Rows of usage_events in the order of the log, with the columns that the task makes. */
  readonly rows: Row[]
  readonly minutes: ReadonlyMap<string, Sums>
  readonly quarters: ReadonlyMap<string, Sums>
  /** Sums of each node for its account: `events`, and the rest of hive and idle work only. */
  readonly nodes: ReadonlyMap<string, Sums>
  readonly costs: readonly OracleCost[]
  /** Reasons of the dead letters by offset. */
  readonly dead: ReadonlyMap<number, readonly string[]>
  /** Events of other partitions, which had to be sent on, with the receipt that they came in with. */
  readonly sentOn: readonly { readonly event: UsageEvent; readonly receiptMs: number }[]
  readonly watermark: number
}

export interface OracleCost {
  readonly node: string
  readonly id: string
  readonly kind: IdKind
  readonly nanoUsd: number
}

/** A partition, and the number of partitions. */
export interface Place {
  readonly partition: number
  readonly partitions: number
}

export type Sums = Record<string, bigint>

const SUM_NAMES = [
  'tokens_in',
  'tokens_out',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'cost_nano_usd',
  'gpu_ms_paid_estimated',
] as const

function halfEven(dividend: bigint, divisor: bigint): bigint {
  const whole = dividend / divisor
  const twice = (dividend % divisor) * 2n
  return twice > divisor || (twice === divisor && whole % 2n === 1n) ? whole + 1n : whole
}

/** The numbers of one event. */
function numbersOf(event: UsageEvent, model: { paid_api: boolean; tdp_watts: number }): Sums {
  const gpuMs = BigInt(event.gpu_ms ?? event.tokens_in + event.tokens_out)
  const energy =
    event.energy_mwh === null ? halfEven(gpuMs * BigInt(model.tdp_watts), 3_600n) : BigInt(event.energy_mwh)
  const { execution, inferences } = event.more ?? { execution: null, inferences: 1 }
  const isPaid = execution === 'api' || (execution === null && model.paid_api)
  const isMeasured = event.energy_source === 'meter' || event.energy_source === 'device'
  return {
    tokens_in: BigInt(event.tokens_in),
    tokens_out: BigInt(event.tokens_out),
    gpu_ms_measured: event.gpu_ms === null ? 0n : gpuMs,
    gpu_ms_estimated: event.gpu_ms === null ? gpuMs : 0n,
    energy_mwh_measured: isMeasured ? energy : 0n,
    energy_mwh_estimated: isMeasured ? 0n : energy,
    energy_mwh_compatible: isPaid ? 1_000n * BigInt(inferences) : energy,
    gpu_ms_paid_estimated: isPaid && event.gpu_ms === null ? gpuMs : 0n,
    cost_nano_usd: BigInt(event.cost_nano_usd),
  }
}

/** The name of an event, as a task's decide point gets it. */
export function eventName(event: UsageEvent): string {
  const { kind, bytes } = identityOf(event)
  return lookupName(event.node_id, bytes.toString('hex'), kind)
}

export interface OracleOptions {
  /** The partition of the input; without it, the input has only one. */
  readonly place?: Place
  /** The table of models by which a record was judged. */
  readonly tableAt?: (offset: bigint) => ModelTable
}

/** `undecidable` names the events that no task can decide: each copy is a dead letter, and counts as if it had not come. */
export function usageOracle(
  input: readonly LogRecord[],
  undecidable: (name: string) => boolean = () => false,
  { place = { partition: 0, partitions: 1 }, tableAt = () => COMPILED_TABLE }: OracleOptions = {},
): UsageOracle {
  const oracle = new PlainCount(undecidable, place, tableAt)
  for (const record of input) oracle.take(record)
  return oracle
}

class PlainCount implements UsageOracle {
  readonly rows: Row[] = []
  readonly minutes = new Map<string, Sums>()
  readonly quarters = new Map<string, Sums>()
  readonly nodes = new Map<string, Sums>()
  readonly costs: OracleCost[] = []
  readonly dead = new Map<number, string[]>()
  readonly sentOn: { event: UsageEvent; receiptMs: number }[] = []
  watermark = 0
  readonly #place: Place
  readonly #contents = new Map<string, string>()
  readonly #undecidable: (name: string) => boolean
  readonly #tableAt: (offset: bigint) => ModelTable

  constructor(undecidable: (name: string) => boolean, place: Place, tableAt: (offset: bigint) => ModelTable) {
    this.#place = place
    this.#undecidable = undecidable
    this.#tableAt = tableAt
  }

  take(record: LogRecord): void {
    const { offset, timestampMs, value } = record
    this.watermark = Math.max(this.watermark, timestampMs - 300_000)
    const id = schemaIdOf(value)
    if (value === null || id === null) {
      this.dead.set(Number(offset), ['framing'])
    } else if (id === SCHEMA_ID.models) {
      this.dead.set(Number(offset), ['unknown_schema'])
    } else if (holdsUsageEvents(id)) {
      for (const [index, event] of usageEventsIn(value).entries()) {
        if (!this.#isHere(event)) this.#sendOn(event, record)
        else if (this.#undecidable(eventName(event)))
          this.#setAsideHere(event, Number(offset), 'cannot_be_decided')
        else if (this.#isFirst(event, Number(offset))) this.#count(event, index, record)
      }
    }
  }

  #isHere({ node_id }: UsageEvent): boolean {
    return partitionOfNode(node_id, this.#place.partitions) === this.#place.partition
  }

  #sendOn(event: UsageEvent, { offset, timestampMs, headers }: LogRecord): void {
    if (headers['hivemeter-forwarded'] === undefined) this.sentOn.push({ event, receiptMs: timestampMs })
    else this.#setAside(Number(offset), 'wrong_partition')
  }

  #isFirst(event: UsageEvent, offset: number): boolean {
    const name = eventName(event)
    const more = { ...NO_MORE, ...event.more }
    const content = JSON.stringify({ ...event, more, event_id: '', event_text: '', event_source: '' })
    const known = this.#contents.get(name)
    if (known === undefined) {
      this.#contents.set(name, content)
      return true
    }
    if (known !== content) this.#setAsideHere(event, offset, 'conflict')
    return false
  }

  /** The sums of its node count it. */
  #setAsideHere({ node_id }: UsageEvent, offset: number, reason: string): void {
    this.#setAside(offset, reason)
    const nothing = Object.fromEntries(['events', 'inferences', ...SUM_NAMES].map((sum) => [sum, 0n]))
    add(this.nodes, node_id, { ...nothing, set_aside: 1n })
  }

  #setAside(offset: number, reason: string): void {
    this.dead.set(offset, [...(this.dead.get(offset) ?? []), reason])
  }

  #count(event: UsageEvent, index: number, record: LogRecord): void {
    const table = this.#tableAt(record.offset)
    const numbers = numbersOf(event, table.factsOf(event.model_id))
    const minute = Math.floor(event.occurred_at / 60_000) * 60_000
    const quarter = Math.floor(event.occurred_at / 900_000) * 900_000
    const late = minute + 60_000 <= this.watermark
    const delta = {
      events: 1n,
      inferences: BigInt(event.more?.inferences ?? 1),
      late_events: BigInt(late),
      late_at: late ? BigInt(record.timestampMs) : 0n,
      duration_ms: BigInt(event.duration_ms ?? 0),
      ...numbers,
    }
    add(this.minutes, `${event.node_id} ${minute} ${event.model_id} ${event.task_source}`, delta)
    add(this.quarters, `${event.node_id} ${quarter} ${event.model_id} ${event.task_source}`, delta)
    const isOwn = event.task_source === 'own'
    const forAccount = SUM_NAMES.map((sum) => [sum, isOwn ? 0n : (numbers[sum] ?? 0n)] as const)
    const node = {
      events: 1n,
      set_aside: 0n,
      inferences: isOwn ? 0n : BigInt(event.more?.inferences ?? 1),
      ...Object.fromEntries(forAccount),
    }
    add(this.nodes, event.node_id, node)
    const { kind, bytes } = identityOf(event)
    const id = bytes.toString('hex')
    const nanoUsd = isOwn ? 0 : event.cost_nano_usd
    if (nanoUsd > 0 || event.reservation_id !== null)
      this.costs.push({ node: event.node_id, id, kind, nanoUsd })
    const { event_id: _id, event_source: _source, energy_mwh, more, ...same } = event
    this.rows.push({
      ...same,
      tokens_in: Math.min(event.tokens_in, 2 ** 32 - 1),
      tokens_out: Math.min(event.tokens_out, 2 ** 32 - 1),
      gpu_ms: event.gpu_ms === null ? null : Math.min(event.gpu_ms, 2 ** 32 - 1),
      wide_tokens_in: BigInt(event.tokens_in),
      wide_tokens_out: BigInt(event.tokens_out),
      wide_gpu_ms: event.gpu_ms === null ? null : BigInt(event.gpu_ms),
      gpus: more?.gpus ?? 1,
      inferences: more?.inferences ?? 1,
      tokens_cached: bigOrNull(more?.tokens_cached),
      tokens_reasoning: bigOrNull(more?.tokens_reasoning),
      execution: more?.execution ?? 'none',
      labels: (more?.labels ?? []).map(({ name, value }) => `${name}=${value}`),
      event_id: id,
      id_kind: kind,
      event_text: event.event_text ?? '',
      operator_id: event.operator_id ?? '',
      received_at: record.timestampMs,
      record_offset: record.offset,
      record_index: index,
      gpu_ms_estimated: numbers['gpu_ms_estimated'] ?? 0n,
      energy_mwh: energy_mwh === null ? null : BigInt(energy_mwh),
      energy_mwh_estimated: numbers['energy_mwh_estimated'] ?? 0n,
      energy_mwh_compatible: numbers['energy_mwh_compatible'] ?? 0n,
      cost_nano_usd: BigInt(event.cost_nano_usd),
      goal_id: event.goal_id ?? '',
      requester_node_id: event.requester_node_id ?? '',
      reservation_id: event.reservation_id ?? '',
      late: Number(late),
      models_version: table.version,
    })
  }
}

function bigOrNull(value: number | null | undefined): bigint | null {
  return value === null || value === undefined ? null : BigInt(value)
}

/** The sum of two numbers of one window; for times, the later one. */
export function together(name: string, left: bigint, right: bigint): bigint {
  if (name !== 'late_at') return left + right
  return left > right ? left : right
}

function add(sums: Map<string, Sums>, key: string, numbers: Sums): void {
  const known = sums.get(key) ?? {}
  for (const [name, value] of Object.entries(numbers)) known[name] = together(name, known[name] ?? 0n, value)
  sums.set(key, known)
}
