import type { FleetItem, Sample } from '../../../schemas/fleet/records.ts'
import type { FailedPoll, LiveSample } from '../live/sample.ts'
import { largest, smallest } from '../sums.ts'
import { difficultyOf } from './account-reading.ts'

/**
 * A sample as the live plane takes it. What needs more than the sample is not known yet and is null: which pools a customer
 * allows (their addresses come with device reports), and which of a vendor's errors are critical.
 */
export function liveSampleOf(sample: Sample): LiveSample {
  const { temp_c: temperatures, shares } = sample
  const speeds = (sample.fans ?? []).map(({ rpm }) => rpm)
  return {
    tMs: sample.observed_at,
    rateNowHs: sample.hashrate_hs.now,
    rate5mHs: sample.hashrate_hs._5m,
    deviceNominalHs: sample.hashrate_nominal_hs,
    powerW: sample.power_w,
    powerSource: sample.power_w === null ? 'none' : (sample.power_source ?? 'none'),
    uptimeS: sample.uptime_s,
    mode: sample.mode,
    isMining: sample.is_mining,
    isHeatStopped: false,
    boardsOnline: sample.boards_online,
    boardsExpected: sample.boards_expected,
    boardsDisabled: disabledBoards(sample),
    chipsOnline: sample.chips_online,
    chipsExpected: sample.chips_expected,
    criticalErrors: null,
    chipMaxC: temperatures.chip_max,
    boardMaxC: temperatures.board_max,
    inletC: temperatures.inlet,
    coolantInC: sample.coolant_in_c,
    fanMinRpm: smallest(speeds),
    fanMaxRpm: largest(speeds),
    hwErrorRatio: sample.hw_error_ratio,
    ...poolsOf(sample),
    poolsDigest: null,
    arePoolsAllowed: null,
    sharesAccepted: shares.accepted,
    sharesRejected: shares.rejected,
    sharesStale: shares.stale,
    difficultyAccepted: difficultyOf(sample),
  }
}

function disabledBoards({ boards }: Sample): number | null {
  if (boards === null || boards.length === 0) return null
  return boards.filter(({ present, enabled }) => present !== false && enabled === false).length
}

/** How many pools answer, and how many are preferred to the one in use. */
function poolsOf({ pools }: Sample): Pick<LiveSample, 'poolsAlive' | 'activePoolPriority'> {
  const known = (pools ?? []).filter(({ alive }) => alive !== null)
  const active = pools?.find((pool) => pool.active === true)?.priority ?? null
  const first = smallest((pools ?? []).map(({ priority }) => priority))
  return {
    poolsAlive: known.length === 0 ? null : known.filter(({ alive }) => alive === true).length,
    activePoolPriority: active === null || first === null ? null : active - first,
  }
}

/** A poll result as the live plane takes it; null for one that gave a sample. */
export function livePollOf({ observed_at, result }: NonNullable<FleetItem['poll']>): FailedPoll | null {
  return result === 'ok' || result === 'partial' ? null : { tMs: observed_at, result }
}
