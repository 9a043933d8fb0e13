import type { FleetItem, Sample } from '../../../schemas/fleet/records.ts'
import { intendedRateHs } from '../live/intended.ts'
import type { FailedPoll, Reading } from '../slots/reading.ts'
import { sumOfAll } from '../sums.ts'
import type { InventoryContext } from './inventory.ts'

/** What an item says to the account plane besides itself. */
export interface Sending {
  /** How often its node asks each machine, seconds: the time that a reading stands for. */
  readonly intervalS: number
  readonly isShadow: boolean
}

/** Watts that the machine told. */
const MINER_SOURCES = [
  'miner_psu',
  'miner',
  'miner_estimate',
  'gpu_sum',
] as const satisfies readonly Reading['powerSource'][]

/**
 * A sample as the account plane takes it. H* is that of the sample's own time, with the nominal rate that this very sample
 * tells: the plane keeps nothing of the live one. Watts of a meter are of another track, and a nameplate is none that the
 * machine told.
 */
export function readingOf(sample: Sample, context: InventoryContext, sending: Sending): Reading {
  const { temp_c: temperatures, shares } = sample
  const source = MINER_SOURCES.find((one) => one === sample.power_source) ?? null
  const nominalHs = sample.hashrate_nominal_hs ?? 0
  const intendedHs = intendedRateHs(context.intent, nominalHs, context.thresholds.plausible)
  return {
    tMs: sample.observed_at,
    ...sending,
    rateHs: sample.hashrate_hs.now ?? sample.hashrate_hs._5m,
    intendedHs: intendedHs === 0 ? null : intendedHs,
    isMining: sample.mode === 'sleep' ? false : sample.is_mining,
    powerW: source === null ? null : sample.power_w,
    powerSource: source,
    nameplateW: context.nameplateW,
    boardsOnline: sample.boards_online,
    boardsExpected: sample.boards_expected,
    chipMaxC: temperatures.chip_max,
    boardMaxC: temperatures.board_max,
    inletC: temperatures.inlet,
    counters: {
      uptimeS: sample.uptime_s,
      accepted: shares.accepted,
      rejected: shares.rejected,
      stale: shares.stale,
      difficultyAccepted: difficultyOf(sample),
    },
  }
}

/** The difficulty of all accepted shares; null where one of the pools does not tell it. */
export function difficultyOf({ pools }: Sample): number | null {
  return sumOfAll((pools ?? []).map(({ diff_accepted }) => diff_accepted))
}

/** A poll result as the account plane takes it; null for one that gave a sample. */
export function failedPollOf(poll: NonNullable<FleetItem['poll']>, sending: Sending): FailedPoll | null {
  switch (poll.result) {
    case 'timeout':
    case 'refused':
      return { tMs: poll.observed_at, ...sending, seconds: 'unreachable' }
    case 'auth_failed':
    case 'unreadable':
      return { tMs: poll.observed_at, ...sending, seconds: 'unreadable' }
    default:
      return null
  }
}
