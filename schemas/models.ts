import type { Model } from './usage.ts'
import { TDP_WATTS_DEFAULT } from './usage.ts'

/**
 * The table of models that this version brings: board power, and whether a call goes to a paid API. A task judges by it from
 * its first record on; until rules 2 a record of usage.metered brought it, which any producer could write.
 */
export const MODELS_VERSION = 1

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
