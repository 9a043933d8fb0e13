import * as fc from 'fast-check'
import {
  AXE_KINDS,
  AXE_STEP_HS,
  espminerInfo,
  isFallback,
} from '../../../infra/local/fleet-sample/machines/answers/espminer.ts'
import type { AxeTruth } from '../../../infra/local/fleet-sample/machines/answers/espminer.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { ModelTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { pollDocument } from './poll-document.ts'
import { anyStyle } from './styles.ts'
import { overlaid } from './vendor-document.ts'

/** Of a pool that is not in use. */
const UNCOUNTED = { alive: null, accepted: null, rejected: null, stale: null, difficulty: null }

const rate = fc.option(
  fc.nat(1_000_000).map((steps) => steps * AXE_STEP_HS),
  { freq: 6 },
)

/** Answers of ESP-Miner and its forks: sensors that are not there, a second fan that is not there, shares by reason. */
export const espminer: fc.Arbitrary<GeneratedPoll> = fc
  .record<AxeTruth>({
    kind: fc.constantFrom(...AXE_KINDS),
    style: anyStyle,
    fans: fc.integer({ min: 0, max: 2 }),
    chips: fc.integer({ min: 1, max: 6 }),
    nowHs: rate,
    minuteHs: rate,
    tenMinutesHs: rate,
    hourHs: rate,
    nominalHs: fc.option(fc.integer({ min: 1, max: 1_000_000 }).map((steps) => steps * AXE_STEP_HS)),
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
    mac: fc.constant('02:00:00:00:7A:01'),
    hostname: fc.constant('axe-7q'),
  })
  .map((truth) => ({
    document: pollDocument({
      adapter: 'espminer',
      model: modelOf(truth),
      answers: [['/api/system/info', espminerInfo(truth)]],
      order: 0,
    }),
    expected: { telemetry: expectedOf(truth), warnings: warningsOf(truth) },
  }))

function modelOf({ fans, chips }: AxeTruth): ModelTruth {
  return { make: 'Maker', model: 'Model small', algorithm: 'SHA-256', boards: 1, chipsPerBoard: chips, fans }
}

/** The sensors that are read: the old ones have one. */
function sensorsOf({ kind, sensorsC }: AxeTruth): readonly (number | null)[] {
  return kind === 'old' ? sensorsC.slice(0, 1) : sensorsC
}

function fanCount({ kind, fans }: AxeTruth): number {
  return kind === 'old' ? Math.min(fans, 1) : fans
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
    mac: truth.mac,
    hostname: truth.hostname,
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
