import { PAID_API_ENERGY_MWH, TDP_WATTS_DEFAULT, energyOfGpuTime } from '../../../schemas/usage.ts'
import type { ModelFacts } from '../../../schemas/models.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'

/** What one event adds to its windows, measured and estimated apart. */
export interface Measures {
  readonly gpu_ms_measured: number
  readonly gpu_ms_estimated: number
  /** The part of the estimate that comes from calls of a paid API. */
  readonly gpu_ms_paid_estimated: number
  readonly energy_mwh_measured: number
  readonly energy_mwh_estimated: number
  readonly energy_mwh_compatible: number
}

/**
 * The rules of http-api, "Compute stats", for one event under the model that it names; `tellsPaid` is true where the
 * rules already count estimates of paid calls apart.
 */
export function measuresOf(event: UsageEvent, model: ModelFacts | undefined, tellsPaid: boolean): Measures {
  const execution = event.more?.execution ?? null
  const isPaid = execution === null ? model?.paid_api === true : execution === 'api'
  // 1 GPU-second per 1,000 tokens is 1 ms a token.
  const estimatedGpuMs = event.gpu_ms === null ? event.tokens_in + event.tokens_out : 0
  const gpuMs = event.gpu_ms ?? estimatedGpuMs
  const isMeasured = event.energy_source === 'meter' || event.energy_source === 'device'
  const measured = isMeasured ? (event.energy_mwh ?? 0) : 0
  const guess = event.energy_mwh ?? energyOfGpuTime(gpuMs, model?.tdp_watts ?? TDP_WATTS_DEFAULT)
  const estimated = isMeasured ? 0 : guess
  return {
    gpu_ms_measured: event.gpu_ms ?? 0,
    gpu_ms_estimated: estimatedGpuMs,
    gpu_ms_paid_estimated: isPaid && tellsPaid ? estimatedGpuMs : 0,
    energy_mwh_measured: measured,
    energy_mwh_estimated: estimated,
    energy_mwh_compatible: isPaid
      ? PAID_API_ENERGY_MWH * (event.more?.inferences ?? 1)
      : measured + estimated,
  }
}
