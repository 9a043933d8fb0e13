/** What a second of a commissioned worker's time can be, besides none. */
export const SECONDS = ['hashing', 'idle', 'resting', 'unreachable', 'unheard', 'unreadable'] as const
export type SecondsKind = (typeof SECONDS)[number]

/** Whose watts the joules of the reading track are: those that the machine told, by source, or the scaled nameplate's. */
export const JOULE_SOURCES = ['miner_psu', 'miner', 'miner_estimate', 'gpu_sum', 'nameplate'] as const
export type JouleSource = (typeof JOULE_SOURCES)[number]

/** Kinds of temperatures: never one sum of mixed kinds. */
export type TemperatureKind = 'chip' | 'board' | 'inlet'

/** Counters since the mining process started. `null`: not reported. */
export interface Counters {
  readonly uptimeS: number | null
  /** Shares. Devices keep them in 32 bits: a larger value is taken as not reported. */
  readonly accepted: number | null
  readonly rejected: number | null
  readonly stale: number | null
  readonly difficultyAccepted: number | null
}

/**
 * What the account plane takes of one accepted sample, with what the versions valid at its time say of the worker. Base
 * units; `null` means not reported, 0 means a measured 0. A value out of its range counts as not reported.
 */
export interface Reading {
  /** Observation time as sent, whole UTC milliseconds. */
  readonly tMs: number
  /** How often the worker is polled: 10 to 300 s. */
  readonly intervalS: number
  /** Sent by another node than the one that holds the worker's lease. */
  readonly isShadow: boolean
  /** Whole hashes (or solutions) per second, below 2^53. */
  readonly rateHs: number | null
  /** The intended rate H*. */
  readonly intendedHs: number | null
  /** The intent: false for a machine that is set not to work. */
  readonly isMining: boolean | null
  readonly powerW: number | null
  readonly powerSource: Exclude<JouleSource, 'nameplate'> | null
  readonly nameplateW: number | null
  readonly boardsOnline: number | null
  readonly boardsExpected: number | null
  readonly chipMaxC: number | null
  readonly boardMaxC: number | null
  readonly inletC: number | null
  readonly counters: Counters
}

/** A poll of a machine that gave no sample. */
export interface FailedPoll {
  readonly tMs: number
  readonly intervalS: number
  readonly isShadow: boolean
  /** `unreadable` where the machine answered, but could not be read: it is there, and perhaps hashes. */
  readonly seconds: 'unreachable' | 'unreadable'
}

/** A machine that does more than this part of its intended rate hashes. */
const HASHING_SHARE_MIN = 0.1

/**
 * What the seconds of a reading are. A machine without a rate that is meant to work is unreadable: nobody knows whether it
 * hashed, so the time is left out of the hashing uptime.
 */
export function secondsOf({
  rateHs,
  intendedHs,
  isMining,
}: Pick<Reading, 'rateHs' | 'intendedHs' | 'isMining'>): SecondsKind {
  if (rateHs !== null && rateHs > HASHING_SHARE_MIN * (intendedHs ?? 0)) return 'hashing'
  if (isMining === false) return 'resting'
  return rateHs === null ? 'unreadable' : 'idle'
}

/** The part of the boards that is online; 1 where it is not known. */
function boardsRatio({ boardsOnline, boardsExpected }: Reading): number {
  if (boardsOnline === null || boardsExpected === null || boardsExpected <= 0) return 1
  return Math.min(1, Math.max(0, boardsOnline / boardsExpected))
}

/**
 * The watts that a reading stands for, and whose they are. What the machine told comes first; its own estimate, which
 * does not notice lost boards, is scaled by the boards. Where it told none: the nameplate by rate and boards, if the rate
 * and what it should be are known. `null`: nothing says how much.
 */
export function wattsOf(reading: Reading): { readonly watts: number; readonly source: JouleSource } | null {
  const { powerW, powerSource, nameplateW, rateHs, intendedHs } = reading
  if (powerW !== null && powerSource !== null) {
    const watts = powerSource === 'miner_estimate' ? powerW * boardsRatio(reading) : powerW
    return { watts, source: powerSource }
  }
  if (nameplateW === null || rateHs === null || intendedHs === null || intendedHs <= 0) return null
  const share = Math.min(1, rateHs / intendedHs)
  return { watts: nameplateW * share * boardsRatio(reading), source: 'nameplate' }
}
