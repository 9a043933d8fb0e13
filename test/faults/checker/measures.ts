import { PAID_API_ENERGY_MWH, TDP_WATTS_DEFAULT, energyOfGpuTime } from '../../../schemas/usage.ts'
import type { Work } from './work.ts'

/** What one event adds to GPU time and energy, measured and estimated apart. */
export interface Measures {
  readonly gpuMsMeasured: number
  readonly gpuMsEstimated: number
  readonly gpuMsPaidEstimated: number
  readonly energyMwhMeasured: number
  readonly energyMwhEstimated: number
  readonly energyMwhCompatible: number
}

interface ModelTable {
  /** Models whose calls go to a paid API. */
  readonly paid: ReadonlySet<string>
  /** Board power of models that differ from the default. */
  readonly watts: ReadonlyMap<string, number>
}

/** The facts of the model table by version, written down again: 0 is the time before the log knew any table. */
const MODEL_TABLES: ModelTable[] = [
  { paid: new Set(), watts: new Map() },
  {
    paid: new Set(['groq', 'deepseek', 'gpt-4.1', 'claude', 'makeittalk']),
    watts: new Map([
      ['mobilevlm-onnx', 0],
      ['pocket-tts', 0],
      ['whisper-stt', 0],
    ]),
  },
]
// Version 2 is what a new installation begins with: of the models that a fault run sends it says the same.
MODEL_TABLES.push(MODEL_TABLES[1] as ModelTable)

/** The rules of http-api, "Compute stats", for one event. An unknown version of the model table is taken for the newest. */
export function measuresOf(work: Work, modelsVersion: number): Measures {
  const { paid, watts } = MODEL_TABLES[Math.min(modelsVersion, MODELS_VERSION_MAX)] as ModelTable
  // 1 GPU-second per 1,000 tokens is 1 ms a token.
  const gpuMs = work.gpuMs ?? work.tokensIn + work.tokensOut
  const energyMwh = work.energyMwh ?? energyOfGpuTime(gpuMs, watts.get(work.modelId) ?? TDP_WATTS_DEFAULT)
  const isMeasured = work.energySource === 'meter' || work.energySource === 'device'
  return {
    gpuMsMeasured: work.gpuMs ?? 0,
    gpuMsEstimated: work.gpuMs === null ? gpuMs : 0,
    gpuMsPaidEstimated: work.gpuMs === null && paid.has(work.modelId) ? gpuMs : 0,
    energyMwhMeasured: isMeasured ? energyMwh : 0,
    energyMwhEstimated: isMeasured ? 0 : energyMwh,
    energyMwhCompatible: paid.has(work.modelId) ? PAID_API_ENERGY_MWH : energyMwh,
  }
}

/** The newest version of the model table that this file knows. */
export const MODELS_VERSION_MAX = MODEL_TABLES.length - 1
