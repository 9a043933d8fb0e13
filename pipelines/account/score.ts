import { decimalNumber, decimalText } from '../decimal.ts'
import { HOUR_MS, MWH_PER_KWH, NANO_USD_PER_USD, WHOLE_PPM } from '../../schemas/units.ts'

/**
 * The contribution score: a sum of eight weights over exact integers, rounded once at the end.
 * Weights and tiers are the original's (HostingRewardService.compute_contribution_score).
 */

/** The contribution of a node, as it enters the score. */
export interface Contribution {
  /** Share of time that the node was up, in millionths; 0 for a node without heartbeats. */
  readonly uptimePpm: number
  readonly agents: number
  readonly posts: number
  /** Of the last 7 days. */
  readonly adImpressions: number
  readonly gpuMs: bigint
  readonly inferences: bigint
  readonly energyMwh: bigint
  /** Every hive and idle cost, whatever its decision. */
  readonly costNanoUsd: bigint
}

/** The version of the weights, windows and rounding of the score, as one number: raised with every change of them. */
export const FORMULA_VERSION = 1

export type VisibilityTier = 'standard' | 'featured' | 'priority'

/** Points per component; they add up to the score. */
export interface ScoreWeights {
  readonly uptime: bigint
  readonly agents: bigint
  readonly posts: bigint
  readonly adImpressions: bigint
  readonly gpuHours: bigint
  readonly inferences: bigint
  readonly energy: bigint
  readonly apiCosts: bigint
}

/** Weights and score in units of 1 / SCORE_UNIT points. */
export interface Score {
  readonly units: bigint
  readonly weights: ScoreWeights
  readonly visibilityTier: VisibilityTier
}

/**
 * The smallest unit in which all eight weights are whole numbers: 1 ms of GPU time is 5 / 3,600,000 points, 1 nano-USD is
 * 10 / 1,000,000,000, and 1 mWh is 2 / 1,000,000.
 */
export const SCORE_UNIT = 900_000_000n

const UNITS_PER = {
  /** 100 points for an uptime of 1. */
  uptimePpm: (100n * SCORE_UNIT) / BigInt(WHOLE_PPM),
  agent: 2n * SCORE_UNIT,
  post: SCORE_UNIT / 2n,
  adImpression: SCORE_UNIT / 10n,
  /** 5 points for a GPU-hour. */
  gpuMs: (5n * SCORE_UNIT) / BigInt(HOUR_MS),
  inference: SCORE_UNIT / 100n,
  /** 2 points for a kWh. */
  energyMwh: (2n * SCORE_UNIT) / MWH_PER_KWH,
  /** 10 points for a US dollar: 9 units for a nano-USD. */
  nanoUsd: (10n * SCORE_UNIT) / NANO_USD_PER_USD,
} as const

const FEATURED_FROM = 100n * SCORE_UNIT
const PRIORITY_FROM = 500n * SCORE_UNIT

/**
 * Decimals of the exact score's text. The exact fraction may contain ninths, whose decimals repeat, so no finite text
 * equals it.
 */
const EXACT_DECIMALS = 12

/** The score of a contribution; the visibility tier is decided by the unrounded score. */
export function scoreOf(contribution: Contribution): Score {
  const weights: ScoreWeights = {
    uptime: BigInt(contribution.uptimePpm) * UNITS_PER.uptimePpm,
    agents: BigInt(contribution.agents) * UNITS_PER.agent,
    posts: BigInt(contribution.posts) * UNITS_PER.post,
    adImpressions: BigInt(contribution.adImpressions) * UNITS_PER.adImpression,
    gpuHours: contribution.gpuMs * UNITS_PER.gpuMs,
    inferences: contribution.inferences * UNITS_PER.inference,
    energy: contribution.energyMwh * UNITS_PER.energyMwh,
    apiCosts: contribution.costNanoUsd * UNITS_PER.nanoUsd,
  }
  const units = Object.values(weights).reduce((sum: bigint, weight: bigint) => sum + weight, 0n)
  return { units, weights, visibilityTier: tierOf(units) }
}

function tierOf(units: bigint): VisibilityTier {
  if (units >= PRIORITY_FROM) return 'priority'
  return units >= FEATURED_FROM ? 'featured' : 'standard'
}

/** Points as a number: 2 decimals for the score, 4 for a weight, rounded half-even. */
export function pointsNumber(units: bigint, decimals: number): number {
  return decimalNumber(units, SCORE_UNIT, decimals)
}

/** The score as decimal text with 12 decimals. */
export function pointsText(units: bigint): string {
  return decimalText(units, SCORE_UNIT, EXACT_DECIMALS)
}
