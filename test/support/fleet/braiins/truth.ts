import * as fc from 'fast-check'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { maxOf, telemetryOf } from '../expected.ts'
import type { BoardTruth } from '../../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { styledTruth } from '../vendor-document.ts'
import type { StyledTruth } from '../../../../infra/local/fleet-sample/machines/answers/styled.ts'

/** What both interfaces of Braiins OS have in common. */

/** Rates are written as JSON numbers in GH/s or MH/s. */
const STEP_HS = 10_010_000

export const WINDOWS = ['1m', '5m', '15m', '30m', '1h'] as const
type Windows = Readonly<Record<(typeof WINDOWS)[number], number | null>>

export interface BraiinsTruth extends StyledTruth {
  readonly windowsHs: Windows
  readonly isPlus: boolean
  readonly systemUptimeS: number | null
  readonly inletsC: readonly (number | null)[]
  readonly isTuning: boolean
  /** The word for a state of which no intent follows, for a machine that has no mode. */
  readonly oddState: string
}

const rate = fc.option(fc.nat(20_000_000).map((steps) => steps * STEP_HS))
const BOARDS_MAX = 4

export const braiinsTruth: fc.Arbitrary<BraiinsTruth> = fc
  .record({
    truth: styledTruth({ rateStepHs: STEP_HS, boardsMax: BOARDS_MAX, fansMax: 4 }),
    windowsHs: fc.record({ '1m': rate, '5m': rate, '15m': rate, '30m': rate, '1h': rate }),
    isPlus: fc.boolean(),
    systemUptimeS: fc.option(fc.nat(9_000_000)),
    inletsC: fc.array(fc.option(fc.integer({ min: 1, max: 60 })), {
      minLength: BOARDS_MAX,
      maxLength: BOARDS_MAX,
    }),
    isTuning: fc.boolean(),
    oddState: fc.constantFrom('NOT_STARTED', 'SUSPENDED', 'RESTRICTED'),
  })
  // 0 s says that the process is not running.
  .map(
    ({ truth, ...rest }): BraiinsTruth =>
      Object.assign(rest, truth, { uptimeS: truth.uptimeS === 0 ? null : truth.uptimeS }),
  )

/** Board numbers begin at 1, on old machines at 6. */
export const firstBoard = ({ choice }: BraiinsTruth): number => (choice % 4 === 0 ? 6 : 1)

export function stateOf({ mode, oddState }: BraiinsTruth): string {
  if (mode === null) return oddState
  return mode === 'sleep' ? 'PAUSED' : 'NORMAL'
}

/** The air goes out of a board as hot as the board is. */
export const outletC = ({ boardC }: BoardTruth): number | null => boardC

export function braiinsTelemetry(truth: BraiinsTruth): JsonObject {
  const present = truth.boards.filter(({ chips }) => chips > 0)
  const inlets = truth.boards
    .map((_, index) => truth.inletsC[index] ?? null)
    .filter((inlet) => inlet !== null)
  const state = stateOf(truth)
  const running = truth.isTuning ? 'tuning' : 'normal'
  return {
    ...telemetryOf(truth),
    source_api: 'braiins',
    firmware: truth.fwVer === null ? null : truth.isPlus ? 'Braiins OS+' : 'Braiins OS',
    system_uptime_s: truth.systemUptimeS,
    hashrate_hs: { now: truth.nowHs, ...truth.windowsHs, avg: truth.meanHs },
    power_source: truth.powerW === null ? null : 'miner_estimate',
    hw_errors: null,
    temp_c: {
      inlet: inlets.length === 0 ? null : Math.min(...inlets),
      outlet: maxOf(truth.boards.map(outletC)),
      board_max: maxOf(present.map(({ boardC }) => boardC)),
      chip_max: maxOf(present.map(({ chipC }) => chipC)),
      chip_avg: null,
    },
    fans: truth.fansRpm.map((rpm, index) => ({ index, rpm, pct: 65 })),
    mode: state === 'PAUSED' ? 'sleep' : running,
    status_raw: state,
    errors: state === 'NORMAL' ? [] : null,
  }
}

/** A mean of a day over which the machine has not run: it is no rate. */
export const DILUTED = 1.5
