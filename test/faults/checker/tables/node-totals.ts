import type { Account } from '../../../../schemas/records.ts'
import { measuresOf } from '../measures.ts'
import type { Measures } from '../measures.ts'
import type { Counted } from './raw-rows.ts'

/** The lifetime counters of an account. */
export const TOTAL_COLUMNS = [
  'events',
  'inferences',
  'tokens_in',
  'tokens_out',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'cost_nano_usd',
  'gpu_ms_paid_estimated',
] as const satisfies readonly (keyof Account)[]
export type NodeTotals = Record<(typeof TOTAL_COLUMNS)[number], bigint>

/** What an event adds to GPU time and energy. */
export function measuresOfCounted({ work, modelsVersion }: Counted): Measures {
  return measuresOf(work, modelsVersion)
}

/** Adds up what was counted per node: own work counts as an event and as nothing else. */
export function totalsOf(counted: Iterable<Counted>): Map<string, NodeTotals> {
  const nodes = new Map<string, NodeTotals>()
  for (const event of counted) {
    let totals = nodes.get(event.nodeId)
    if (totals === undefined) nodes.set(event.nodeId, (totals = noTotals()))
    totals.events += 1n
    const { work } = event
    if (work.taskSource === 'own') continue
    const measures = measuresOfCounted(event)
    totals.inferences += BigInt(work.inferences)
    totals.tokens_in += BigInt(work.tokensIn)
    totals.tokens_out += BigInt(work.tokensOut)
    totals.gpu_ms_measured += BigInt(measures.gpuMsMeasured)
    totals.gpu_ms_estimated += BigInt(measures.gpuMsEstimated)
    totals.gpu_ms_paid_estimated += BigInt(measures.gpuMsPaidEstimated)
    totals.energy_mwh_measured += BigInt(measures.energyMwhMeasured)
    totals.energy_mwh_estimated += BigInt(measures.energyMwhEstimated)
    totals.energy_mwh_compatible += BigInt(measures.energyMwhCompatible)
    totals.cost_nano_usd += BigInt(work.costNanoUsd)
  }
  return nodes
}

/** Totals of a node without events. */
export function noTotals(): NodeTotals {
  return Object.fromEntries(TOTAL_COLUMNS.map((column) => [column, 0n])) as NodeTotals
}
