import * as fc from 'fast-check'
import {
  hasNoFactoryRate,
  REASON,
  V3_STEP_HS,
  whatsminerV3Answers,
} from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import type { V3Truth } from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { maxOf, telemetryOf } from '../expected.ts'
import type { GeneratedPoll } from '../generators.ts'
import { boardsSaying, styledTruth, timeTextS, vendorDocument } from '../vendor-document.ts'
import { anyErrors, anyZone, errorTelemetry } from './errors.ts'

const rate = fc.option(fc.nat(20_000_000).map((steps) => steps * 101 * V3_STEP_HS))

/** Answers of WhatsMiners on TCP 4433: one for each part or one for all, numbers that stand for "unset", no shares. */
export const whatsminerV3: fc.Arbitrary<GeneratedPoll> = fc
  .record({
    truth: styledTruth({ rateStepHs: 101 * V3_STEP_HS, boardsMax: 4, fansMax: 2 }),
    minuteHs: rate,
    quarterHs: rate,
    zone: anyZone,
    errors: anyErrors,
  })
  .map(({ truth, ...rest }) => {
    const all = { ...truth, ...rest }
    return {
      document: vendorDocument('whatsminer', all, whatsminerV3Answers(all), all.zone.name),
      expected: { telemetry: telemetry(all), warnings: warnings(all) },
    }
  })

function telemetry(truth: V3Truth): JsonObject {
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const boards = boardsSaying(truth, [
    'serial',
    'hashrate_hs',
    'nominal_hs',
    'temp_board_c',
    'temp_chip_c',
    'chips',
    'freq_mhz',
  ])
  return {
    ...telemetryOf(truth),
    source_api: 'whatsminer-v3',
    api_ver: '3.1.0',
    device_time: timeTextS(truth.deviceTimeS),
    hashrate_hs: {
      now: truth.nowHs,
      '1m': truth.minuteHs,
      '5m': null,
      '15m': truth.quarterHs,
      avg: truth.meanHs,
    },
    power_source: truth.powerW === null ? null : 'miner',
    power_limit_w: null,
    fan_psu_rpm: 6_100,
    temp_c: {
      board_max: maxOf(present.map(({ boardC }) => boardC)),
      chip_max: maxOf(present.map(({ chipC }) => chipC)),
    },
    boards,
    fans: truth.fansRpm.length === 0 ? null : truth.fansRpm.map((rpm, index) => ({ index, rpm })),
    pools: truth.pools.map(({ url, user, isAlive }, index) => ({
      index,
      url,
      user,
      alive: isAlive,
      active: index === 1,
      accepted: null,
      rejected: null,
      stale: null,
    })),
    shares: { accepted: null, rejected: null, stale: null },
    errors: truth.errors.map((error) => errorTelemetry(error, truth.zone, REASON)),
  }
}

function warnings(truth: V3Truth): string[] {
  return ['sentinel_dropped', ...(hasNoFactoryRate(truth) ? ['negative_dropped'] : [])]
}
