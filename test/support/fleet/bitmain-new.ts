import type * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { bitmainNewAnswers } from '../../../infra/local/fleet-sample/machines/answers/bitmain-new.ts'
import type { PoolTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { bitmainTruth, commonTelemetry, documentOf, warningsOf } from './bitmain-truth.ts'
import type { GeneratedPoll } from './generators.ts'

/** Answers of Bitmain's firmware since 2022: lists of chains and fans, watts under one of two names, modes, errors. */
export const bitmainNew: fc.Arbitrary<GeneratedPoll> = bitmainTruth.map((truth) => {
  const rates = [truth.nowHs, truth.meanHs, truth.nominalHs]
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const ofBoards = present.flatMap(({ rateHs, nominalHs }) => [rateHs, nominalHs])
  const answers = bitmainNewAnswers(truth)
  const telemetry: JsonObject = {
    ...commonTelemetry(truth),
    pools: truth.pools.map((pool, index) => ({
      index,
      url: pool.url,
      user: pool.user,
      alive: pool.isAlive,
      active: isActive(pool, truth.pools),
      accepted: pool.accepted,
      difficulty: pool.difficulty,
    })),
    errors: truth.fansRpm.includes(0)
      ? [{ vendor_code: 'fans:2', component: 'fan', message: 'one stands still' }]
      : [],
  }
  const written = [...rates, ...ofBoards].filter((rate) => rate !== null).length
  return {
    document: documentOf(truth, answers),
    expected: { telemetry, warnings: warningsOf(truth, written) },
  }
})

/** Of the pools that are alive, the one with the newest share; unknown for those, where none of them has had a share. */
function isActive(pool: PoolTruth, pools: readonly PoolTruth[]): boolean | null {
  if (!pool.isAlive) return false
  const ages = pools
    .filter(({ isAlive }) => isAlive)
    .map(({ shareAgeS }) => shareAgeS ?? Number.POSITIVE_INFINITY)
  const newest = Math.min(...ages)
  if (!Number.isFinite(newest)) return null
  const alive = pools.filter(({ isAlive }) => isAlive)
  return alive.find(({ shareAgeS }) => shareAgeS === newest) === pool
}
