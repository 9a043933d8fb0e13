import { isFreeText } from './ids.ts'
import type { Model } from './usage.ts'
import { TDP_WATTS_DEFAULT } from './usage.ts'

/**
 * The compiled table of models: board power, and whether a call goes to a paid API. It is version 1 of every installation's
 * table, and applies until the log has another one (`hivemeter.models`). Until rules 2 a record of usage.metered, which any
 * producer could write, held the table.
 */
export const MODELS_VERSION = 1

/** Most rows of one table. */
export const MODEL_ROWS_MAX = 5_000

/** Most bytes of one table as JSON, and as its record. */
export const MODELS_BYTES_MAX = 1_000_000

/**
 * Highest board power of a row: the GPU time of the largest event that any schema allows, 2 × 10^12 ms, times this power is
 * still exact in a double.
 */
export const TDP_WATTS_MAX = 4_000

/**
 * Versions that the log keeps. Writing another one deletes the oldest, which is named by no row younger than all that are
 * kept.
 */
export const MODEL_VERSIONS_KEPT = 1_000

/** Longest name of the author of a version: a credential as it is in the audit. */
export const WRITTEN_BY_CHARACTERS_MAX = 200

/** A row of an installation's table. */
export interface ModelRow {
  /** A model's name, or the beginning of names followed by `*`. */
  readonly pattern: string
  readonly paid_api: boolean
  readonly tdp_watts: number
}

/** What a table states about a model. */
export type ModelFacts = Omit<ModelRow, 'pattern'>

/** For a model that matches no row: it runs on the node. */
export const UNLISTED: ModelFacts = { paid_api: false, tdp_watts: TDP_WATTS_DEFAULT }

/**
 * Whether a text can be a row's pattern: a possible name of a model, or a beginning (which may be empty) with one `*` at
 * the end.
 */
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

/** Version 1 in the form of the later versions: exact names only. */
export const COMPILED_ROWS: readonly ModelRow[] = MODELS.map(({ model_id, paid_api, tdp_watts }) => ({
  pattern: model_id,
  paid_api,
  tdp_watts,
}))
