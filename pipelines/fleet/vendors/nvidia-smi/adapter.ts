import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { missingGpus } from '../reading/missing-gpus.ts'
import { powerOfParts } from '../reading/power-of-parts.ts'
import { readDcgm } from './dcgm.ts'
import { readSmi } from './smi.ts'

/**
 * A host with NVIDIA cards, by the table of `nvidia-smi`, by the metrics of the DCGM exporter, or by both: then the table
 * says what the cards do, and the metrics their energy and errors. A card that fell off the bus is in neither, so only the
 * inventory can say that it is missing. What the host computes is not known here: it has no rate.
 */
export function readNvidiaSmi(input: AdapterInput): Reading {
  const { context, warnings } = input
  const smi = readSmi(input)
  const dcgm = readDcgm(input)
  const cards = smi?.cards ?? dcgm?.cards ?? null
  if (cards === null) return { source_api: 'nvidia-smi' }
  const lost = smi?.lost ?? 0
  const known = { ...context, gpusExpected: context.gpusExpected ?? cards.length + lost }
  const missing = missingGpus(cards.length, known, warnings)
  return {
    source_api: 'nvidia-smi',
    ...powerOfParts(
      cards.map(({ power_w: watts }) => watts ?? null),
      missing === 0,
      warnings,
    ),
    power_source: 'gpu_sum',
    energy_wh_total: missing === 0 ? (dcgm?.energyWh ?? null) : null,
    gpu: cards,
    gpus_online: cards.length,
    // Without the inventory's number, only a card that is named as lost shows how many there should be.
    gpus_expected: lost > 0 ? cards.length + lost : null,
    errors: dcgm?.errors ?? null,
  }
}
