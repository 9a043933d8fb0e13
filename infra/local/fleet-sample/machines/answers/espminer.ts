import type { JsonObject } from '../../../../../pipelines/json/json-object.ts'
import { KILO } from '../../../../../schemas/units.ts'
import { ordered, orAbsent, PASSWORD, written } from './writing.ts'
import type { Style } from './writing.ts'

/** Rates are hundredths of GH/s. */
export const AXE_STEP_HS = 10_000_000

/** Which program it is: before 2.7 it knew neither windows nor a pause; one fork copies a mean and lists its fans. */
export const AXE_KINDS = ['old', 'present', 'fork'] as const

/** What is true of a small miner with ESP-Miner. */
export interface AxeTruth {
  readonly kind: (typeof AXE_KINDS)[number]
  readonly style: Style
  readonly fans: number
  readonly chips: number
  readonly nowHs: number | null
  readonly minuteHs: number | null
  readonly tenMinutesHs: number | null
  readonly hourHs: number | null
  readonly nominalHs: number | null
  /** Hundredths of a watt. */
  readonly powerSteps: number | null
  readonly uptimeS: number
  /** Of one or two sensors, or of each chip; null: shown as -1. */
  readonly sensorsC: readonly (number | null)[]
  readonly regulatorC: number | null
  readonly fansRpm: readonly number[]
  readonly millivolts: number
  readonly accepted: number
  readonly stale: number
  readonly otherRejected: number
  readonly difficulty: number
  readonly isFallback: boolean
  readonly hasSecondPool: boolean
  readonly isPaused: boolean
  readonly isOverheated: boolean
  readonly bestShare: number
  /** In capitals, with colons. */
  readonly mac: string
  readonly hostname: string
}

/** The answer to `/api/system/info`. */
export function espminerInfo(truth: AxeTruth): Record<string, unknown> {
  return ordered(infoOf(truth), truth.style.order)
}

function infoOf(truth: AxeTruth): Record<string, unknown> {
  const { kind } = truth
  return {
    ...poolsOf(truth),
    ...fansOf(truth),
    ...temperaturesOf(truth),
    ...windowsOf(truth),
    hostname: truth.hostname,
    macAddr: truth.mac.toLowerCase(),
    version: 'v9.9.1',
    asicCount: truth.chips,
    coreVoltage: 1_500,
    coreVoltageActual: truth.millivolts,
    frequency: 610,
    maxPower: 55,
    power: orAbsent(truth.powerSteps, (steps) => written(steps, 2, truth.style.numbers)),
    uptimeSeconds: truth.uptimeS,
    sharesAccepted: truth.accepted,
    sharesRejected: truth.stale + truth.otherRejected,
    sharesRejectedReasons: kind === 'old' ? undefined : reasonsOf(truth),
    bestDiff: kind === 'old' ? `${truth.bestShare}k` : truth.bestShare * KILO,
    miningPaused: kind === 'present' ? truth.isPaused : undefined,
    shutdown: kind === 'fork' ? truth.isPaused : undefined,
    overheat_mode: truth.isOverheated ? 1 : 0,
  }
}

function rateText(rateHs: number | null, { style }: AxeTruth): unknown {
  return orAbsent(rateHs, (value) => written(value / AXE_STEP_HS, 2, style.numbers))
}

function windowsOf(truth: AxeTruth): Record<string, unknown> {
  const { kind } = truth
  const hourHs = kind === 'fork' ? truth.tenMinutesHs : truth.hourHs
  return {
    hashRate: rateText(truth.nowHs, truth),
    ...(kind === 'old'
      ? {}
      : {
          hashRate_1m: rateText(truth.minuteHs, truth),
          hashRate_10m: rateText(truth.tenMinutesHs, truth),
          hashRate_1h: rateText(hourHs, truth),
          hashRate_1d: kind === 'fork' ? (rateText(truth.tenMinutesHs, truth) ?? 0) : undefined,
          expectedHashrate: rateText(truth.nominalHs, truth),
        }),
  }
}

function temperaturesOf({ kind, sensorsC, regulatorC }: AxeTruth): Record<string, unknown> {
  const [first = null, second = null] = sensorsC
  return {
    temp: (kind === 'fork' ? hottestOf(sensorsC) : first) ?? -1,
    temp2: kind === 'present' ? (second ?? -1) : undefined,
    vrTemp: regulatorC ?? -1,
    asicTemps: kind === 'fork' ? sensorsC.map((temperature) => temperature ?? -1) : undefined,
  }
}

function hottestOf(sensorsC: readonly (number | null)[]): number | null {
  const known = sensorsC.filter((temperature) => temperature !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** The fork lists its fans; the others always show a second one. */
function fansOf({ kind, fans, fansRpm }: AxeTruth): Record<string, unknown> {
  const shown = fansRpm.map((rpm, at) => (at < fans ? rpm : 0))
  return {
    fanrpm: shown[0],
    fanspeed: 40.5,
    fan2rpm: kind === 'present' ? shown[1] : undefined,
    fans: kind === 'fork' ? shown.slice(0, fans).map((rpm) => ({ rpm, speedPerc: 40.5 })) : undefined,
  }
}

function reasonsOf({ stale, otherRejected }: AxeTruth): JsonObject[] {
  const reasons = [
    { message: 'Stale', count: stale },
    { message: 'Something else', count: otherRejected },
  ]
  return reasons.filter(({ count }) => count > 0)
}

function poolsOf(truth: AxeTruth): Record<string, unknown> {
  return {
    stratumURL: `login:${PASSWORD}@first.example`,
    stratumPort: 3_333,
    stratumUser: 'acct.one',
    stratumPassword: PASSWORD,
    fallbackStratumURL: truth.hasSecondPool ? 'stratum+tcp://second.example' : '',
    fallbackStratumPort: 4_444,
    fallbackStratumUser: 'acct.two',
    isUsingFallbackStratum: isFallback(truth) ? 1 : 0,
    poolDifficulty: truth.difficulty,
  }
}

export function isFallback({ isFallback: is, hasSecondPool }: AxeTruth): boolean {
  return is && hasSecondPool
}
