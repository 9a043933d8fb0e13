import { POWER_SOURCES as SOURCES } from '../../../schemas/fleet/fields.ts'

/** Where watts come from, or `none` where they are not reported: a page keeps the place in this list. */
export const POWER_SOURCES = ['none', ...SOURCES] as const
export type PowerSource = (typeof POWER_SOURCES)[number]

const MEASURED: ReadonlySet<PowerSource> = new Set(['pdu', 'meter', 'miner_psu', 'miner'])

/** Whether watts of this source were measured. A sum over graphics cards is a lower bound, the others are estimates. */
export function isMeasured(source: PowerSource): boolean {
  return MEASURED.has(source)
}

/**
 * What the live plane takes of one sample. Base units: H/s, W, s, °C; ratios from 0 to 1. `null` means not reported, 0
 * means a measured 0. What needs a catalogue (severity of a vendor's code, allowed pools) is decided before.
 */
export interface LiveSample {
  /** Observation time, UTC milliseconds, as it was sent. */
  readonly tMs: number
  readonly rateNowHs: number | null
  /** The device's own window of five minutes. */
  readonly rate5mHs: number | null
  readonly deviceNominalHs: number | null
  readonly powerW: number | null
  readonly powerSource: PowerSource
  /** Since the mining process started. */
  readonly uptimeS: number | null
  readonly mode: 'normal' | 'low' | 'high' | 'sleep' | 'tuning' | null
  /** The intent, not whether the rate is above 0. */
  readonly isMining: boolean | null
  /** Whether the machine says that it stopped itself because of heat. */
  readonly isHeatStopped: boolean
  /** Boards that are present, enabled, and have a rate or chips. */
  readonly boardsOnline: number | null
  readonly boardsExpected: number | null
  /** Boards that are there and switched off by decision. They are not online. */
  readonly boardsDisabled: number | null
  readonly chipsOnline: number | null
  readonly chipsExpected: number | null
  /** Open errors that are critical for this model. */
  readonly criticalErrors: number | null
  readonly chipMaxC: number | null
  readonly boardMaxC: number | null
  readonly inletC: number | null
  readonly coolantInC: number | null
  readonly fanMinRpm: number | null
  readonly fanMaxRpm: number | null
  readonly hwErrorRatio: number | null
  /** Pools with an answer; null where the machine does not tell, or has no pool. */
  readonly poolsAlive: number | null
  /** 0 is the first choice. */
  readonly activePoolPriority: number | null
  /** A 32-bit hash over the addresses and users of all configured pools, never 0. */
  readonly poolsDigest: number | null
  /** Whether address and user of every configured pool are among those that the customer allows. */
  readonly arePoolsAllowed: boolean | null
  /** Counters since the mining process started. */
  readonly sharesAccepted: number | null
  readonly sharesRejected: number | null
  readonly sharesStale: number | null
  readonly difficultyAccepted: number | null
}

/** Which sample or poll result it is: the node's epoch and number. */
export interface Origin {
  readonly nodeId: string
  readonly epoch: number
  readonly seq: number
}

/** The place in the log of what is applied, and the log time there, which never falls. */
export interface Place {
  readonly nowMs: number
  readonly offset: bigint
  readonly index: number
}

/** `auth_failed` and `unreadable` are answers: the machine is there, and perhaps hashes. */
export type PollFailure = 'timeout' | 'refused' | 'auth_failed' | 'unreadable'

/** A poll that gave no sample. */
export interface FailedPoll {
  readonly tMs: number
  readonly result: PollFailure
}
