import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { sumOf, maxOf, telemetryOf } from './expected.ts'
import { UNITS } from '../../../infra/local/fleet-sample/machines/answers/bitmain.ts'
import type { BitmainTruth } from '../../../infra/local/fleet-sample/machines/answers/bitmain.ts'
import { machineTruth } from './machine-truth.ts'
import { anyStyle } from './styles.ts'

/** What both generations of Bitmain's stock firmware have in common. */

const NODE_TIME = '2026-05-04T03:02:01.000Z'
const NODE_TIME_S = Date.parse(NODE_TIME) / 1_000

export const bitmainTruth: fc.Arbitrary<BitmainTruth> = fc.constantFrom(...UNITS).chain((unit) =>
  fc
    .record({
      truth: machineTruth({ rateStepHs: unit.stepHs, boardsMax: 4, fansMax: 4 }),
      style: anyStyle,
      unusedChains: fc.nat(4),
      unusedFans: fc.nat(4),
      deviceTimeS: fc.option(fc.integer({ min: -86_400, max: 86_400 }).map((skewS) => NODE_TIME_S + skewS)),
      hasUnusedPool: fc.boolean(),
    })
    .map(({ truth, ...rest }) => Object.assign({ unit }, truth, rest)),
)

export function documentOf(
  truth: BitmainTruth,
  answers: readonly (readonly [string, unknown])[],
): JsonObject {
  const { model, unit, style } = truth
  const asked = answers.map(([request, body]) => ({ request, transport: 'tcp4028', body }))
  return {
    adapter: 'bitmain',
    collected_at: NODE_TIME,
    context: {
      model: {
        make: model.make,
        model: model.model,
        algorithm: model.algorithm,
        boards: model.boards,
        chips_per_board: model.chipsPerBoard,
        fans: model.fans,
        label_unit: unit.labelUnit,
      },
    },
    answers: style.order % 2 === 0 ? asked : asked.toReversed(),
  }
}

/** The warnings that are due: of a unit that differs from the label, of blanks around numbers. */
export function warningsOf({ unit, style }: BitmainTruth, ratesWritten: number): string[] {
  return [
    ...(unit.isWarned ? ['unit_from_model'] : []),
    ...(style.numbers === 'padded' && ratesWritten > 0 ? ['text_number_trimmed'] : []),
  ]
}

/** What both generations say in the same way. */
export function commonTelemetry(truth: BitmainTruth): JsonObject {
  const present = truth.boards.filter(({ chips }) => chips > 0)
  return {
    ...telemetryOf(truth),
    source_api: 'bitmain',
    power_source: truth.powerW === null ? null : 'miner',
    device_time: truth.deviceTimeS === null ? null : new Date(truth.deviceTimeS * 1_000).toISOString(),
    hashrate_hs: { now: truth.nowHs, '1m': null, '5m': null, '15m': null, '30m': null, avg: truth.meanHs },
    hw_errors: sumOf(present.map(({ hwErrors }) => hwErrors)),
    temp_c: {
      board_max: maxOf(present.map(({ boardC }) => boardC)),
      chip_max: maxOf(present.map(({ chipC }) => chipC)),
      chip_avg: null,
    },
  }
}
