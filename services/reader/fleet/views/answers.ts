import type { FleetOverview, FleetStatus, FleetWorkerItem } from '../../../../schemas/http/fleet-views.ts'
import { formatTime, formatTimeOrNull } from '../../../http/times.ts'
import type { Fleet } from '../standing/fleets.ts'
import type { Standing } from '../standing/standing.ts'
import { MEASURED_SOURCES, tilesOf } from './overview.ts'

/** The body of the overview. */
export function overviewBody({ standings, asOfMs, isStale }: Fleet): FleetOverview {
  const tiles = tilesOf(standings)
  const sources = [...tiles.wattsBySource].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const actualW = sources.reduce((sum, [, watts]) => sum + watts, 0)
  const measuredW = sources.reduce(
    (sum, [source, watts]) => (MEASURED_SOURCES.has(source) ? sum + watts : sum),
    0,
  )
  return {
    as_of: formatTimeOrNull(asOfMs),
    stale: isStale,
    coverage: shareOf(tiles.heard, tiles.commissioned),
    commissioned: tiles.commissioned,
    statuses: tiles.statuses,
    unknown: tiles.unknown,
    curtailed: tiles.curtailed,
    unplaced: tiles.unplaced,
    power: {
      nominal_w: tiles.nominalW,
      intended_w: tiles.intendedW,
      actual_w: actualW,
      measured_share: shareOf(measuredW, actualW),
      by_source: Object.fromEntries(sources),
    },
    hashrate: [...tiles.hashrates.values()]
      .toSorted((one, other) => (one.algorithm < other.algorithm ? -1 : 1))
      .map(({ algorithm, nominal, intended, actual }) => ({
        algorithm,
        nominal_hs: String(nominal),
        intended_hs: String(intended),
        actual_hs: String(actual),
      })),
    debt: null,
    models: [...tiles.models]
      .toSorted(([one, ofOne], [other, ofOther]) => ofOther - ofOne || (one < other ? -1 : 1))
      .map(([model, count]) => ({ model: model === '' ? null : model, count })),
  }
}

/** A worker in a list. */
export function workerItem({ registered, face, reading, intendedHs, intendedW }: Standing): FleetWorkerItem {
  return {
    id: registered.id,
    asset_code: registered.assetCode,
    model: registered.modelName,
    model_id: registered.model,
    algorithm: registered.algorithm,
    location: registered.location,
    container: registered.container,
    slot: registered.slot,
    node: registered.node,
    customer: registered.customer,
    status: (face?.status ?? null) as FleetStatus | null,
    reason: face?.reason ?? null,
    unknown: face?.unknown ?? null,
    status_since: formatTimeOrNull(face?.status_since ?? null),
    reason_since: formatTimeOrNull(face?.reason_since ?? null),
    changes: face?.version ?? null,
    observed_at: reading === null ? null : formatTime(reading.observedAtMs),
    hashrate_hs: wholeOrNull(reading?.rateHs ?? null),
    intended_hashrate_hs: intendedHs === 0 ? null : Math.round(intendedHs),
    power_w: wholeOrNull(reading?.powerW ?? null),
    power_source: reading?.powerSource ?? null,
    intended_power_w: intendedW === 0 ? null : Math.round(intendedW),
  }
}

function wholeOrNull(value: number | null): number | null {
  return value === null ? null : Math.round(value)
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}
