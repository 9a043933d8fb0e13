import { isFreeText } from './ids.ts'
import type { Model } from './usage.ts'
import { TDP_WATTS_DEFAULT } from './usage.ts'

/**
 * The table of models that is compiled in: board power, and whether a call goes to a paid API. It is version 1 of every
 * installation's table, and holds until the log has another (`hivemeter.models`); until rules 2 a record of usage.metered
 * brought it, which any producer could write.
 */
export const MODELS_VERSION = 1

/** Rows of one table. */
export const MODEL_ROWS_MAX = 5_000

/** One table as JSON, and as its record. */
export const MODELS_BYTES_MAX = 1_000_000

/**
 * Board power of a row: with it the GPU time of the largest event that any schema allows, 2 × 10^12 ms, times its power is
 * still exact in a double.
 */
export const TDP_WATTS_MAX = 4_000

/** Versions that the log keeps: an older one is deleted by the one that is written, and no row younger than all these names it. */
export const MODEL_VERSIONS_KEPT = 1_000

/** Longest name of who wrote a version: a credential as the audit has it. */
export const WRITTEN_BY_CHARACTERS_MAX = 200

/** A row of an installation's table. */
export interface ModelRow {
  /** A model's name, or the beginning of names and `*` behind it. */
  readonly pattern: string
  readonly paid_api: boolean
  readonly tdp_watts: number
}

/** What a table says of a model. */
export type ModelFacts = Omit<ModelRow, 'pattern'>

/** Of a model that no row fits: it runs on the node. */
export const UNLISTED: ModelFacts = { paid_api: false, tdp_watts: TDP_WATTS_DEFAULT }

/** Whether a text can be a row's pattern: what a model can be called, or its beginning (also none) with one `*` at the end. */
export function isPattern(text: string): boolean {
  if (!text.includes('*')) return isFreeText(text)
  return text.indexOf('*') === text.length - 1 && (text === '*' || isFreeText(text.slice(0, -1)))
}

const local = (model_id: string, tdp_watts = TDP_WATTS_DEFAULT): Model => ({
  model_id,
  paid_api: false,
  tdp_watts,
})
const paid = (model_id: string): Model => ({ model_id, paid_api: true, tdp_watts: TDP_WATTS_DEFAULT })

export const MODELS: readonly Model[] = [
  local('qwen3.5-4b-local'),
  local('qwen3-vl-4b-local'),
  local('hevolveai-learning'),
  local('luxtts'),
  local('mobilevlm-onnx', 0),
  local('pocket-tts', 0),
  local('whisper-stt', 0),
  paid('groq'),
  paid('deepseek'),
  paid('gpt-4.1'),
  paid('claude'),
  paid('makeittalk'),
]

/** Version 1 in the form of the later ones: exact names only. */
export const COMPILED_ROWS: readonly ModelRow[] = MODELS.map(({ model_id, paid_api, tdp_watts }) => ({
  pattern: model_id,
  paid_api,
  tdp_watts,
}))
