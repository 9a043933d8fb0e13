import type { Model } from '../../schemas/usage.ts'
import { TDP_WATTS_DEFAULT } from '../../schemas/usage.ts'

/**
 * The table of models that this version brings: board power, and whether a call goes to a paid API. The aggregator
 * appends it to each partition whose task record has a lower version, never for a lower one.
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
