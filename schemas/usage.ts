import { DAY_MS, MINUTE_MS } from './units.ts'

/**
 * A usage event and its bounds, as gateway, task and oracle share them (http-api, "Gateway").
 */

export const TASK_SOURCES = ['own', 'hive', 'idle'] as const
export type TaskSource = (typeof TASK_SOURCES)[number]

export const ENERGY_SOURCES = ['none', 'meter', 'device', 'estimate'] as const
export type EnergySource = (typeof ENERGY_SOURCES)[number]

/** One usage event as `schemas/avro/usage-events.v2.avsc` encodes it. */
export interface UsageEvent {
  readonly event_id: Buffer
  readonly event_text: string | null
  readonly node_id: string
  readonly operator_id: string | null
  readonly model_id: string
  readonly task_source: TaskSource
  readonly occurred_at: number
  readonly tokens_in: number
  readonly tokens_out: number
  readonly duration_ms: number | null
  readonly gpu_ms: number | null
  readonly energy_mwh: number | null
  readonly energy_source: EnergySource
  readonly cost_nano_usd: number
  readonly goal_id: string | null
  readonly requester_node_id: string | null
  readonly reservation_id: string | null
  readonly event_source: string | null
  /** Fields that most events do not have; null where each of them has its default. */
  readonly more: UsageMore | null
}

export const EXECUTIONS = ['api', 'local'] as const
export type Execution = (typeof EXECUTIONS)[number]

/** A name and a value of the sender's own, kept with the event. */
export interface Label {
  readonly name: string
  readonly value: string
}

/** Fields that few events have, together. */
export interface UsageMore {
  readonly gpus: number
  /** Calls that the event represents. */
  readonly inferences: number
  /** Parts of tokens_in and tokens_out. */
  readonly tokens_cached: number | null
  readonly tokens_reasoning: number | null
  readonly execution: Execution | null
  /** Each name once. */
  readonly labels: readonly Label[]
}

/** The values of an event without `more`. */
export const NO_MORE: UsageMore = {
  gpus: 1,
  inferences: 1,
  tokens_cached: null,
  tokens_reasoning: null,
  execution: null,
  labels: [],
}

/** Bounds of a usage event; both ends are allowed. */
export const USAGE_BOUNDS = {
  tokensMax: 1e12,
  /** In records of version 1 of the schema, whose tokens have 32 bits. */
  tokensOfV1Max: 2 ** 31 - 1,
  /** duration_ms, and gpu_ms of each GPU: 7 days. */
  durationMsMax: 7 * DAY_MS,
  /** 4 MWh, 24 kW for 7 days: the events of the largest batch (2^20 of them) still sum exactly in a double. */
  energyMwhMax: 4e9,
  gpusMax: 1_024,
  inferencesMax: 1e6,
  labelsMax: 8,
  labelNameMax: 32,
  labelValueMax: 64,
  /** 1,000,000 USD. */
  costNanoUsdMax: 1e15,
  /** How far before its receipt an event may have occurred. */
  ageMsMax: 35 * DAY_MS,
  /** How far after its receipt an event may have occurred. */
  aheadMsMax: 5 * MINUTE_MS,
  /** What the task allows beyond the gateway's bounds, so that nothing the gateway accepted is refused later. */
  taskSlackMs: 10 * MINUTE_MS,
  eventsPerRecordMax: 10_000,
} as const

/** How far the watermark stays behind the newest receipt. */
export const WATERMARK_DELAY_MS = 5 * MINUTE_MS

export const MINUTE_WINDOW_MS = MINUTE_MS
export const QUARTER_HOUR_WINDOW_MS = 15 * MINUTE_MS

/** Start of the epoch-aligned window `[start, start + sizeMs)` that holds `atMs`. */
export function windowStart(atMs: number, sizeMs: number): number {
  return Math.floor(atMs / sizeMs) * sizeMs
}

/** A row of the model table (`models.v1.avsc`). */
export interface Model {
  readonly model_id: string
  readonly paid_api: boolean
  readonly tdp_watts: number
}

/** Board power of a model that the table does not name. */
export const TDP_WATTS_DEFAULT = 170

/** What one call of a paid API counts in compatible mode: 0.001 kWh. */
export const PAID_API_ENERGY_MWH = 1_000

/**
 * Energy of `gpuMs` at `watts` in mWh, rounded half-even, once for each event: W × ms / 3,600 = mWh. It is exact: where the
 * product of the two integers may exceed 2^53, the whole multiples of 3,600 ms are multiplied separately.
 */
export function energyOfGpuTime(gpuMs: number, watts: number): number {
  const wholeMs = gpuMs < PRODUCT_EXACT_MS ? 0 : gpuMs - (gpuMs % 3_600)
  const product = (gpuMs - wholeMs) * watts
  const more = Math.floor(product / 3_600)
  const rest = product - more * 3_600
  const whole = (wholeMs / 3_600) * watts + more
  if (rest > 1_800 || (rest === 1_800 && whole % 2 === 1)) return whole + 1
  return whole
}

/** For GPU time up to this the product with any board's power is exact without that. */
const PRODUCT_EXACT_MS = 2 ** 33

/** Header of a replayed dead letter: its original record's receipt, UTC milliseconds as text. The age is judged by it. */
export const RECEIPT_HEADER = 'hivemeter-original-receipt'

/**
 * Header beside it that proves that the installation's own replay states it: HMAC-SHA-256 as hex
 * (`pipelines/usage/receipt.ts`).
 */
export const RECEIPT_PROOF_HEADER = 'hivemeter-receipt-proof'

/** Header, with the value 1, of events that were sent on from a partition that is not theirs: they are not sent on again. */
export const FORWARDED_HEADER = 'hivemeter-forwarded'
