import { PAID_API_ENERGY_MWH, TDP_WATTS_DEFAULT, energyOfGpuTime } from '../../../schemas/usage.ts'
import { isPaidModel } from './paid-models.ts'
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

/** Board power of models that differ from the default, from version 1 on. */
const WATTS: ReadonlyMap<string, number> = new Map([
  ['mobilevlm-onnx', 0],
  ['pocket-tts', 0],
  ['whisper-stt', 0],
])

/** The newest version of the model table that this checker knows: a new installation begins with it. */
export const MODELS_VERSION_MAX = 2

/** The rules of http-api, "Compute stats", for one event. An unknown version of the model table counts as the newest. */
export function measuresOf(work: Work, modelsVersion: number): Measures {
  const version = Math.min(modelsVersion, MODELS_VERSION_MAX)
  // 1 GPU-second per 1,000 tokens is 1 ms per token.
  const gpuMs = work.gpuMs ?? work.tokensIn + work.tokensOut
  const energyMwh = work.energyMwh ?? energyOfGpuTime(gpuMs, wattsOf(work.modelId, version))
  const isPaid = work.execution === null ? isPaidModel(work.modelId, version) : work.execution === 'api'
  const isMeasured = work.energySource === 'meter' || work.energySource === 'device'
  return {
    gpuMsMeasured: work.gpuMs ?? 0,
    gpuMsEstimated: work.gpuMs === null ? gpuMs : 0,
    gpuMsPaidEstimated: work.gpuMs === null && isPaid ? gpuMs : 0,
    energyMwhMeasured: isMeasured ? energyMwh : 0,
    energyMwhEstimated: isMeasured ? 0 : energyMwh,
    energyMwhCompatible: isPaid ? PAID_API_ENERGY_MWH * work.inferences : energyMwh,
  }
}

function wattsOf(modelId: string, version: number): number {
  return (version === 0 ? undefined : WATTS.get(modelId)) ?? TDP_WATTS_DEFAULT
}
