import { intendedPowerW, intendedRateHs } from '../../../../pipelines/fleet/live/intended.ts'
import { UNKNOWN, valueAt } from '../../../../pipelines/fleet/live/memory.ts'
import { POWER_SOURCES } from '../../../../pipelines/fleet/live/sample.ts'
import { PAGE_WORKERS } from '../../../../pipelines/fleet/pages/layout.ts'
import { DEFAULT_THRESHOLDS } from '../../../../pipelines/fleet/status/thresholds.ts'
import type { FleetFace } from '../../../../schemas/fleet/page-records.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import type { LiveMemory } from '../../../../pipelines/fleet/live/memory.ts'
import type { Registered } from './registered.ts'

/** A reading counts as present for two intervals of its worker, and never longer than this. */
export const READING_AGE_MS_MAX = 10 * MINUTE_MS

/** The last thing that a worker said, where it is recent enough to be called present. */
export interface Reading {
  readonly observedAtMs: number
  /** Mean of about 5 minutes, hashes a second; null where it is not known. */
  readonly rateHs: number | null
  readonly powerW: number | null
  /** Where the watts come from: `nameplate` where the machine tells none and its rate says how hard it works. */
  readonly powerSource: string | null
}

/** A worker as it is now: what the inventory, its status and its last reading say. Every view is made from these. */
export interface Standing {
  readonly registered: Registered
  /** Null before the task has taken it up, and when it is not commissioned. */
  readonly face: FleetFace | null
  readonly reading: Reading | null
  /** What it is meant to do by its contract, its profile or its maker; 0: not known. */
  readonly intendedHs: number
  readonly intendedW: number
}

/** What a page said of its workers' last samples, as of a log time. */
export interface PresentPage {
  readonly asOfMs: number
  readonly readings: Pick<
    LiveMemory['live'],
    'sampleMs' | 'r5Hs' | 'powerW' | 'powerSource' | 'deviceNominalHs'
  >
}

/** What is known now of a worker of the inventory, by what was told of its place and by that place's page. */
export function standingOf(
  registered: Registered,
  told: FleetFace | null,
  page: PresentPage | null,
): Standing {
  const { place, intent } = registered
  const face = registered.isCommissioned ? told : null
  // A place may have been another worker's before.
  const isOwn = face?.worker_id === registered.id
  const deviceHs = page === null || !isOwn ? 0 : valueAt(page.readings.deviceNominalHs, place % PAGE_WORKERS)
  const intendedHs = intendedRateHs(intent, deviceHs, DEFAULT_THRESHOLDS.plausible)
  const intendedW = intendedPowerW(intent, intendedHs)
  const isHeard = isOwn && face !== null && !face.unknown && page !== null
  return {
    registered,
    face: isOwn ? face : null,
    reading: isHeard ? readingOf(registered, page, { intendedHs, intendedW }) : null,
    intendedHs,
    intendedW,
  }
}

function readingOf(
  { place, intervalS }: Registered,
  { readings, asOfMs }: PresentPage,
  intended: Pick<Standing, 'intendedHs' | 'intendedW'>,
): Reading | null {
  const i = place % PAGE_WORKERS
  const observedAtMs = valueAt(readings.sampleMs, i)
  const ageMsMax = Math.min(2 * intervalS * SECOND_MS, READING_AGE_MS_MAX)
  if (observedAtMs === 0 || asOfMs - observedAtMs > ageMsMax) return null
  const r5Hs = valueAt(readings.r5Hs, i)
  const rateHs = r5Hs === UNKNOWN ? null : r5Hs
  const source = POWER_SOURCES[valueAt(readings.powerSource, i)] ?? 'none'
  if (source !== 'none')
    return { observedAtMs, rateHs, powerW: valueAt(readings.powerW, i), powerSource: source }
  const powerW = scaledW(rateHs, intended)
  return { observedAtMs, rateHs, powerW, powerSource: powerW === null ? null : 'nameplate' }
}

/** Watts by the nameplate, scaled down by the rate: a machine that tells no watts is not one that uses none. */
function scaledW(
  rateHs: number | null,
  { intendedHs, intendedW }: Pick<Standing, 'intendedHs' | 'intendedW'>,
): number | null {
  if (rateHs === null || intendedHs === 0 || intendedW === 0) return null
  return Math.round(intendedW * Math.min(1, rateHs / intendedHs))
}
