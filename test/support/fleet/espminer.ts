import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { ModelTruth } from './machine-truth.ts'
import { PASSWORD, pollDocument } from './poll-document.ts'
import { anyStyle, ordered, orAbsent, written } from './styles.ts'
import type { Style } from './styles.ts'
import { overlaid } from './vendor-document.ts'

/** Rates are hundredths of GH/s. */
const STEP_HS = 10_000_000

/** Which program it is: before 2.7 it knew neither windows nor a pause; one fork copies a mean and lists its fans. */
const KINDS = ['old', 'present', 'fork'] as const

/** Of a pool that is not in use. */
const UNCOUNTED = { alive: null, accepted: null, rejected: null, stale: null, difficulty: null }

interface AxeTruth {
  readonly kind: (typeof KINDS)[number]
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
}

const rate = fc.option(
  fc.nat(1_000_000).map((steps) => steps * STEP_HS),
  { freq: 6 },
)

/** Answers of ESP-Miner and its forks: sensors that are not there, a second fan that is not there, shares by reason. */
export const espminer: fc.Arbitrary<GeneratedPoll> = fc
  .record<AxeTruth>({
    kind: fc.constantFrom(...KINDS),
    style: anyStyle,
    fans: fc.integer({ min: 0, max: 2 }),
    chips: fc.integer({ min: 1, max: 6 }),
    nowHs: rate,
    minuteHs: rate,
    tenMinutesHs: rate,
    hourHs: rate,
    nominalHs: fc.option(fc.integer({ min: 1, max: 1_000_000 }).map((steps) => steps * STEP_HS)),
    powerSteps: fc.option(fc.nat(20_000)),
    uptimeS: fc.nat(10_000_000),
    sensorsC: fc.array(fc.option(fc.integer({ min: 5, max: 120 })), { minLength: 2, maxLength: 2 }),
    regulatorC: fc.option(fc.integer({ min: 5, max: 120 })),
    fansRpm: fc.array(fc.integer({ min: 100, max: 9_000 }), { minLength: 2, maxLength: 2 }),
    millivolts: fc.integer({ min: 900, max: 1_400 }),
    accepted: fc.nat(100_000),
    stale: fc.nat(20),
    otherRejected: fc.nat(20),
    difficulty: fc.integer({ min: 1, max: 20_000 }),
    isFallback: fc.boolean(),
    hasSecondPool: fc.boolean(),
    isPaused: fc.boolean(),
    isOverheated: fc.boolean(),
    bestShare: fc.integer({ min: 1, max: 900 }),
  })
  .map((truth) => ({
    document: pollDocument({
      adapter: 'espminer',
      model: modelOf(truth),
      answers: [['/api/system/info', ordered(infoOf(truth), truth.style.order)]],
      order: 0,
    }),
    expected: { telemetry: expectedOf(truth), warnings: warningsOf(truth) },
  }))

function modelOf({ fans, chips }: AxeTruth): ModelTruth {
  return { make: 'Maker', model: 'Model small', algorithm: 'SHA-256', boards: 1, chipsPerBoard: chips, fans }
}

function infoOf(truth: AxeTruth): Record<string, unknown> {
  const { kind } = truth
  return {
    ...poolsOf(truth),
    ...fansOf(truth),
    ...temperaturesOf(truth),
    ...windowsOf(truth),
    hostname: 'axe-7q',
    macAddr: '02:00:00:00:7a:01',
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
    bestDiff: kind === 'old' ? `${truth.bestShare}k` : truth.bestShare * 1_000,
    miningPaused: kind === 'present' ? truth.isPaused : undefined,
    shutdown: kind === 'fork' ? truth.isPaused : undefined,
    overheat_mode: truth.isOverheated ? 1 : 0,
  }
}

function rateText(rateHs: number | null, { style }: AxeTruth): unknown {
  return orAbsent(rateHs, (value) => written(value / STEP_HS, 2, style.numbers))
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
    temp: (kind === 'fork' ? maxOf(sensorsC) : first) ?? -1,
    temp2: kind === 'present' ? (second ?? -1) : undefined,
    vrTemp: regulatorC ?? -1,
    asicTemps: kind === 'fork' ? sensorsC.map((temperature) => temperature ?? -1) : undefined,
  }
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

function fanCount({ kind, fans }: AxeTruth): number {
  return kind === 'old' ? Math.min(fans, 1) : fans
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

function isFallback({ isFallback: is, hasSecondPool }: AxeTruth): boolean {
  return is && hasSecondPool
}

/** The sensors that are read: the old ones have one. */
function sensorsOf({ kind, sensorsC }: AxeTruth): readonly (number | null)[] {
  return kind === 'old' ? sensorsC.slice(0, 1) : sensorsC
}

function warningsOf(truth: AxeTruth): string[] {
  const { kind, style } = truth
  const windows = kind === 'old' ? [] : [truth.minuteHs, truth.tenMinutesHs, truth.nominalHs]
  const shown = [truth.nowHs, truth.powerSteps, ...windows, kind === 'present' ? truth.hourHs : null]
  const isTrimmed = style.numbers === 'padded' && shown.some((value) => value !== null)
  const isNone = [...sensorsOf(truth), truth.regulatorC].includes(null)
  return [...(isTrimmed ? ['text_number_trimmed'] : []), ...(isNone ? ['sentinel_dropped'] : [])]
}

function expectedOf(truth: AxeTruth): JsonObject {
  const { kind } = truth
  const known = sensorsOf(truth).filter((temperature) => temperature !== null)
  const hottest = maxOf(known)
  const isOld = kind === 'old'
  const counts = {
    accepted: truth.accepted,
    rejected: truth.stale + truth.otherRejected,
    stale: isOld ? null : truth.stale,
  }
  const pools = [
    { index: 0, url: 'first.example:3333', user: 'acct.one', active: !isFallback(truth) },
    { index: 1, url: 'stratum+tcp://second.example:4444', user: 'acct.two', active: isFallback(truth) },
  ]
  return {
    source_api: 'espminer',
    model: 'Model small',
    algorithm: 'SHA-256',
    mac: '02:00:00:00:7A:01',
    hostname: 'axe-7q',
    fw_ver: 'v9.9.1',
    serial: null,
    hashrate_hs: {
      now: truth.nowHs,
      '1m': isOld ? null : truth.minuteHs,
      '5m': null,
      '10m': isOld ? null : truth.tenMinutesHs,
      '15m': null,
      '1h': kind === 'present' ? truth.hourHs : null,
      avg: null,
    },
    hashrate_nominal_hs: isOld ? null : truth.nominalHs,
    power_w: truth.powerSteps === null ? null : truth.powerSteps / 100,
    power_source: truth.powerSteps === null ? null : 'miner',
    power_limit_w: null,
    uptime_s: truth.uptimeS,
    temp_c: {
      board_max: null,
      chip_avg: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
      chip_max: hottest,
      vr: truth.regulatorC,
    },
    fans: truth.fansRpm
      .slice(0, fanCount(truth))
      .map((rpm, index) => ({ index, rpm, pct: index === 0 || kind === 'fork' ? 40.5 : null })),
    boards: [
      {
        slot: 0,
        present: true,
        hashrate_hs: truth.nowHs,
        temp_board_c: null,
        temp_chip_c: hottest,
        chips: truth.chips,
        freq_mhz: 610,
        voltage_v: truth.millivolts / 1_000,
      },
    ],
    boards_online: 1,
    chips_online: truth.chips,
    pools: pools
      .slice(0, truth.hasSecondPool ? 2 : 1)
      .map((pool) => overlaid(pool, pool.active ? { ...counts, difficulty: truth.difficulty } : UNCOUNTED)),
    shares: counts,
    best_share: truth.bestShare * 1_000,
    is_mining: isOld ? null : !truth.isPaused,
    errors: truth.isOverheated ? [{ vendor_code: 'overheat_mode', component: 'device' }] : [],
  }
}
