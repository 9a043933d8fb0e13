import type { Counters, FailedPoll, Reading } from '../../../../pipelines/fleet/slots/reading.ts'

/** A reading of a machine that works as it should, with what a test changes of it. */
export function reading(
  tMs: number,
  {
    counters = {},
    ...changed
  }: Partial<Omit<Reading, 'counters' | 'tMs'>> & { readonly counters?: Partial<Counters> } = {},
): Reading {
  return {
    tMs,
    intervalS: 30,
    isShadow: false,
    rateHs: 100_000_000_000_000,
    intendedHs: 100_000_000_000_000,
    isMining: true,
    powerW: 3_400,
    powerSource: 'miner_psu',
    nameplateW: 3_300,
    boardsOnline: 3,
    boardsExpected: 3,
    chipMaxC: null,
    boardMaxC: null,
    inletC: null,
    ...changed,
    counters: {
      uptimeS: null,
      accepted: null,
      rejected: null,
      stale: null,
      difficultyAccepted: null,
      ...counters,
    },
  }
}

export function failedPoll(tMs: number, changed: Partial<FailedPoll> = {}): FailedPoll {
  return { tMs, intervalS: 30, isShadow: false, seconds: 'unreachable', ...changed }
}
