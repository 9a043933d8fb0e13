import type * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { bitmainOldAnswers } from '../../../infra/local/fleet-sample/machines/answers/bitmain-old.ts'
import { bitmainTruth, commonTelemetry, documentOf, warningsOf } from './bitmain-truth.ts'
import type { GeneratedPoll } from './generators.ts'

/** Answers of Bitmain's firmware until 2022: flat statistics with a number in each key; no watts, and no mode. */
export const bitmainOld: fc.Arbitrary<GeneratedPoll> = bitmainTruth.map((any) => {
  const truth = { ...any, powerW: null, mode: null }
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const rates = [truth.nowHs, truth.meanHs, truth.nominalHs, ...present.map(({ rateHs }) => rateHs)]
  const written = rates.filter((rate) => rate !== null).length
  const answers = bitmainOldAnswers(truth)
  const telemetry: JsonObject = {
    ...commonTelemetry(truth),
    boards: (commonTelemetry(truth)['boards'] as readonly JsonObject[]).map(
      ({ serial: _serial, nominal_hs: _nominal, ...rest }) => rest,
    ),
    boards_online: present.length,
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      active: index === 0,
      alive: pool.isAlive,
    })),
    errors: [],
  }
  return {
    document: documentOf(truth, answers),
    expected: { telemetry, warnings: warningsOf(truth, written) },
  }
})
