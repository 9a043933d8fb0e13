import { modelsCodec, SCHEMA_ID, schemaIdOf, usageEventsCodec } from '../../schemas/avro.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import type { LogRecord } from '../../pipelines/kafka/records.ts'
import type { Row } from './row-reader.ts'

/** What a log of usage.metered comes to, by the rules and one event after the other: no batch, no memory, no bound. */
export interface UsageOracle {
  /** Rows of usage_events in the order of the log, the columns that the task makes. */
  readonly rows: Row[]
  readonly minutes: ReadonlyMap<string, Sums>
  readonly quarters: ReadonlyMap<string, Sums>
  /** Sums of each node for its account: `events`, and the rest of hive and idle work only. */
  readonly nodes: ReadonlyMap<string, Sums>
  readonly costs: readonly { readonly node: string; readonly id: string; readonly nanoUsd: number }[]
  /** Reasons of the dead letters by offset. */
  readonly dead: ReadonlyMap<number, readonly string[]>
  readonly watermark: number
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
  const isMeasured = event.energy_source === 'meter' || event.energy_source === 'device'
  return {
    tokens_in: BigInt(event.tokens_in),
    tokens_out: BigInt(event.tokens_out),
    gpu_ms_measured: event.gpu_ms === null ? 0n : gpuMs,
    gpu_ms_estimated: event.gpu_ms === null ? gpuMs : 0n,
    energy_mwh_measured: isMeasured ? energy : 0n,
    energy_mwh_estimated: isMeasured ? 0n : energy,
    energy_mwh_compatible: model.paid_api ? 1_000n : energy,
    cost_nano_usd: BigInt(event.cost_nano_usd),
  }
}

export function usageOracle(input: readonly LogRecord[]): UsageOracle {
  const rows: Row[] = []
  const [minutes, quarters, nodes] = [
    new Map<string, Sums>(),
    new Map<string, Sums>(),
    new Map<string, Sums>(),
  ]
  const costs: { node: string; id: string; nanoUsd: number }[] = []
  const dead = new Map<number, string[]>()
  const contents = new Map<string, string>()
  let models = new Map<string, { paid_api: boolean; tdp_watts: number }>()
  let modelsVersion = 0
  let watermark = 0

  const add = (sums: Map<string, Sums>, key: string, numbers: Sums): void => {
    const known = sums.get(key) ?? {}
    for (const [name, value] of Object.entries(numbers)) known[name] = (known[name] ?? 0n) + value
    sums.set(key, known)
  }
  for (const { offset, timestampMs, value } of input) {
    watermark = Math.max(watermark, timestampMs - 300_000)
    const id = schemaIdOf(value)
    if (value === null || id === null) dead.set(Number(offset), ['framing'])
    if (value !== null && id === SCHEMA_ID.models) {
      const table = modelsCodec.decode(value)
      if (table.version > modelsVersion) {
        modelsVersion = table.version
        models = new Map(table.models.map((model) => [model.model_id, model]))
      }
    }
    if (value === null || id !== SCHEMA_ID.usageEvents) continue
    for (const [index, event] of usageEventsCodec.decode(value).events.entries()) {
      const name = `${event.node_id} ${event.event_id.toString('hex')}`
      const content = JSON.stringify({ ...event, event_id: '', event_text: '' })
      const known = contents.get(name)
      if (known !== undefined) {
        if (known !== content) dead.set(Number(offset), [...(dead.get(Number(offset)) ?? []), 'conflict'])
        continue
      }
      contents.set(name, content)
      const model = models.get(event.model_id) ?? { paid_api: false, tdp_watts: 170 }
      const numbers = numbersOf(event, model)
      const minute = Math.floor(event.occurred_at / 60_000) * 60_000
      const late = minute + 60_000 <= watermark ? 1n : 0n
      const delta = { events: 1n, late_events: late, duration_ms: BigInt(event.duration_ms ?? 0), ...numbers }
      add(minutes, `${event.node_id} ${minute} ${event.model_id} ${event.task_source}`, delta)
      const quarter = Math.floor(event.occurred_at / 900_000) * 900_000
      add(quarters, `${event.node_id} ${quarter} ${event.model_id} ${event.task_source}`, delta)
      const isOwn = event.task_source === 'own'
      const forAccount = SUM_NAMES.map((sum) => [sum, isOwn ? 0n : (numbers[sum] ?? 0n)] as const)
      add(nodes, event.node_id, {
        events: 1n,
        inferences: isOwn ? 0n : 1n,
        ...Object.fromEntries(forAccount),
      })
      if (!isOwn && event.cost_nano_usd > 0) {
        costs.push({ node: event.node_id, id: event.event_id.toString('hex'), nanoUsd: event.cost_nano_usd })
      }
      rows.push({
        node_id: event.node_id,
        event_id: event.event_id.toString('hex'),
        event_text: event.event_text ?? '',
        operator_id: event.operator_id ?? '',
        model_id: event.model_id,
        task_source: event.task_source,
        occurred_at: event.occurred_at,
        received_at: timestampMs,
        record_offset: offset,
        record_index: index,
        tokens_in: event.tokens_in,
        tokens_out: event.tokens_out,
        duration_ms: event.duration_ms,
        gpu_ms: event.gpu_ms,
        gpu_ms_estimated: numbers['gpu_ms_estimated'] ?? 0n,
        energy_mwh: event.energy_mwh === null ? null : BigInt(event.energy_mwh),
        energy_source: event.energy_source,
        energy_mwh_estimated: numbers['energy_mwh_estimated'] ?? 0n,
        energy_mwh_compatible: numbers['energy_mwh_compatible'] ?? 0n,
        cost_nano_usd: numbers['cost_nano_usd'] ?? 0n,
        goal_id: event.goal_id ?? '',
        requester_node_id: event.requester_node_id ?? '',
        reservation_id: event.reservation_id ?? '',
        late: Number(late),
        models_version: modelsVersion,
      })
    }
  }
  return { rows, minutes, quarters, nodes, costs, dead, watermark }
}
