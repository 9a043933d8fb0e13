import { parseRfc3339 } from '../../../json/rfc3339.ts'
import type { Place } from '../reading/place.ts'

/** The counters of one sample; the first two are the miner's and begin anew with it, energy is that of a meter. */
export const MINER_COUNTERS = ['accepted', 'diff_accepted'] as const
export type MinerCounter = (typeof MINER_COUNTERS)[number]

export interface Sample {
  readonly eventId: string | null
  readonly observedAtMs: number
  readonly uptimeS: number | null
  readonly accepted: number | null
  readonly diff_accepted: number | null
  readonly energyWhTotal: number | null
}

export interface OrderedSamples {
  /** By the time of observation, each time once. */
  readonly samples: readonly Sample[]
  readonly repeats: number
  /** Samples that came after a newer one. */
  readonly late: number
}

/** The samples of an answer in order; a repeat is one under an id or a time that was there. Samples without a time are left out. */
export function orderedSamples(list: Place): OrderedSamples {
  const ids = new Set<string>()
  const byTime = new Map<number, Sample>()
  let newestMs = Number.NEGATIVE_INFINITY
  let repeats = 0
  let late = 0
  for (const sample of list.items().map(sampleOf)) {
    if (sample === null) continue
    if (byTime.has(sample.observedAtMs) || (sample.eventId !== null && ids.has(sample.eventId))) {
      repeats += 1
      continue
    }
    if (sample.observedAtMs < newestMs) late += 1
    newestMs = Math.max(newestMs, sample.observedAtMs)
    byTime.set(sample.observedAtMs, sample)
    if (sample.eventId !== null) ids.add(sample.eventId)
  }
  const samples = [...byTime.values()].sort((left, right) => left.observedAtMs - right.observedAtMs)
  return { samples, repeats, late }
}

function sampleOf(place: Place): Sample | null {
  const observedAtMs = parseRfc3339(place.at('observed_at').text() ?? '')
  if (observedAtMs === null) return null
  return {
    eventId: place.at('event_id').text(),
    observedAtMs,
    uptimeS: place.at('uptime_s').seconds(),
    accepted: place.at('accepted').counter(),
    diff_accepted: place.at('diff_accepted').counter(),
    energyWhTotal: place.at('energy_wh_total').energyWh(),
  }
}
