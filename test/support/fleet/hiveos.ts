import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { ModelTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { PASSWORD } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import { pollDocument } from './poll-document.ts'
import { ordered, orAbsent } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'

/** Rates of cards are multiples of 100 H/s, so that every unit of the agent writes them whole or with few decimals. */
const STEP_HS = 100
const UNITS = { hs: 1, khs: 1_000, mhs: 1_000_000, none: 1_000 } as const
/** How a miner writes the algorithm, and its usual name. */
const ALGORITHMS = [
  ['kawpow', 'KawPow'],
  ['etchash', 'Etchash'],
  ['autolykos2', 'Autolykos2'],
  ['144_5', 'Equihash 144,5'],
] as const
const SECOND = ['rx/0', 'RandomX'] as const

interface CardTruth {
  readonly bus: number
  readonly rateHs: number
  /** Null: the system's sensor shows -1, and the miner 0. */
  readonly tempC: number | null
  readonly fanPct: number
  readonly powerW: number
}

interface RigTruth {
  readonly cards: readonly CardTruth[]
  readonly hasBuiltIn: boolean
  readonly unit: keyof typeof UNITS
  readonly algorithm: (typeof ALGORITHMS)[number]
  /** Numbers are texts with carriage returns. */
  readonly isText: boolean
  readonly order: number
  readonly shares: readonly number[]
  readonly uptimeS: number
  /** A miner on the processor, before or after the one on the cards. */
  readonly processor: {
    readonly rateHs: number
    readonly isFirst: boolean
    readonly shares: readonly number[]
  } | null
  /** The inventory's number of cards beyond those that are listed. */
  readonly lost: number | null
}

const counts = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(100_000), { minLength: length, maxLength: length })

const card = (bus: number): fc.Arbitrary<CardTruth> =>
  fc.record({
    bus: fc.constant(bus),
    rateHs: fc.oneof(
      fc.constant(0),
      fc.nat(2_000_000).map((steps) => steps * STEP_HS),
    ),
    tempC: fc.option(fc.integer({ min: 1, max: 120 }), { freq: 5 }),
    fanPct: fc.nat(100),
    powerW: fc.nat(450),
  })

/** Messages of the agent: built-in graphics first, hung cards, units of miners, two miners in either order, lost cards. */
export const hiveos: fc.Arbitrary<GeneratedPoll> = fc
  .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 8 })
  .chain((buses) =>
    fc.record<RigTruth>({
      cards: fc.tuple(...buses.toSorted((left, right) => left - right).map(card)),
      hasBuiltIn: fc.boolean(),
      unit: fc.constantFrom('hs', 'khs', 'mhs', 'none'),
      algorithm: fc.constantFrom(...ALGORITHMS),
      isText: fc.boolean(),
      order: fc.nat(1_000),
      shares: counts(3),
      uptimeS: fc.nat(5_000_000),
      processor: fc.option(
        fc.record({
          rateHs: fc.nat(500).map((steps) => steps * STEP_HS),
          isFirst: fc.boolean(),
          shares: counts(2),
        }),
      ),
      lost: fc.option(fc.nat(2)),
    }),
  )
  .map((truth) => ({
    document: pollDocument({
      adapter: 'hiveos',
      model: modelOf(truth),
      answers: [['stats', messageOf(truth)]],
      order: 0,
      gpusExpected: truth.lost === null ? null : truth.cards.length + truth.lost,
    }),
    expected: { telemetry: expectedOf(truth), warnings: warningsOf(truth) },
  }))

function modelOf({ algorithm: [, usual] }: RigTruth): ModelTruth {
  return { make: 'rig', model: 'Model rig', algorithm: usual, boards: 0, chipsPerBoard: 0, fans: 0 }
}

function messageOf(truth: RigTruth): JsonObject {
  const { processor, order } = truth
  const onCards = { miner: 'cards', total: totalHs(truth) / 1_000, stats: cardStats(truth) }
  const onProcessor = orAbsent(processor, ({ rateHs, shares }) => ({
    miner: 'threads',
    total: rateHs / 1_000,
    stats: { hs: [rateHs / 1_000], temp: [58], fan: [], uptime: 7, ar: [...shares], algo: SECOND[0] },
  }))
  const both = onProcessor === undefined ? [onCards] : [onCards, onProcessor]
  const miners = processor?.isFirst === true ? both.toReversed() : both
  const numbered = miners.map(({ miner, total, stats }, at) => {
    const suffix = at === 0 ? '' : String(at + 1)
    return {
      [`miner${suffix}`]: miner,
      [`total_khs${suffix}`]: text(total, truth),
      [`miner_stats${suffix}`]: stats,
    }
  })
  const params = {
    v: 1,
    rig_id: '9',
    passwd: PASSWORD,
    ...sensorLists(truth),
    ...Object.assign({}, ...numbered),
  }
  return { method: 'stats', jsonrpc: '2.0', id: 0, params: ordered(params, order) }
}

function text(value: number, { isText }: RigTruth): string | number {
  return isText ? `${value}\r` : value
}

/** Where the processor has graphics, they stand first, as zeros. */
function sensorLists({ cards, hasBuiltIn }: RigTruth): Record<string, unknown> {
  const builtIn = hasBuiltIn ? ['0'] : []
  return {
    temp: [...builtIn, ...cards.map(({ tempC }) => String(tempC ?? -1))],
    fan: [...builtIn, ...cards.map(({ fanPct }) => String(fanPct))],
    power: [...builtIn, ...cards.map(({ powerW }) => String(powerW))],
  }
}

function cardStats(truth: RigTruth): JsonObject {
  const { cards, unit, algorithm, shares, order } = truth
  const stats = {
    hs: cards.map(({ rateHs }) => rateHs / UNITS[unit]),
    hs_units: unit === 'none' ? undefined : unit,
    temp: cards.map(({ tempC }) => tempC ?? 0),
    fan: cards.map(({ fanPct }) => fanPct),
    uptime: text(truth.uptimeS, truth),
    ver: '1.0',
    ar: [text(shares[0] ?? 0, truth), text(shares[1] ?? 0, truth), shares[2], cards.map(() => '0').join(';')],
    algo: algorithm[0],
    bus_numbers: cards.map(({ bus }) => bus),
  }
  return ordered(stats, order)
}

function totalHs({ cards }: RigTruth): number {
  return sumOf(cards.map(({ rateHs }) => rateHs)) ?? 0
}

/** 0 W of a card that hashes are no reading. */
function wattsOf({ powerW, rateHs }: CardTruth): number | null {
  return powerW === 0 && rateHs > 0 ? null : powerW
}

function powerOf({ cards, lost }: RigTruth): {
  readonly power: number | null
  readonly atLeast: number | null
} {
  const all = cards.map(wattsOf)
  const known = all.filter((watts) => watts !== null)
  const isWhole = known.length === all.length && (lost ?? 0) === 0
  return { power: isWhole ? sumOf(known) : null, atLeast: isWhole ? null : sumOf(known) }
}

function warningsOf(truth: RigTruth): string[] {
  return [
    ...(truth.hasBuiltIn ? ['igpu_dropped'] : []),
    ...(truth.cards.some(({ tempC }) => tempC === null) ? ['sentinel_dropped'] : []),
    ...(truth.isText ? ['text_number_trimmed'] : []),
    ...((truth.lost ?? 0) > 0 ? ['gpu_missing'] : []),
    ...(powerOf(truth).atLeast === null ? [] : ['power_partial']),
  ]
}

function expectedOf(truth: RigTruth): JsonObject {
  const { cards, processor, lost } = truth
  const { power, atLeast } = powerOf(truth)
  const [accepted, rejected, invalid] = truth.shares
  return {
    source_api: 'hiveos',
    algorithm: truth.algorithm[1],
    hashrate_hs: { now: totalHs(truth), '1m': null, '5m': null, avg: null },
    secondary:
      processor === null
        ? null
        : [
            {
              algorithm: SECOND[1],
              hashrate_hs: { now: processor.rateHs },
              shares: { accepted: processor.shares[0], rejected: processor.shares[1], invalid: null },
            },
          ],
    power_w: power,
    power_lower_bound_w: atLeast,
    power_source: power === null && atLeast === null ? null : 'gpu_sum',
    uptime_s: truth.uptimeS,
    gpu: cards.map((one) => ({
      bus: one.bus,
      hashrate_hs: one.rateHs,
      temp_c: one.tempC,
      fan_pct: one.fanPct,
      power_w: wattsOf(one),
    })),
    gpus_online: cards.filter(({ tempC, rateHs }) => tempC !== null || rateHs > 0).length,
    gpus_expected: cards.length + (lost ?? 0),
    temp_c: { chip_max: maxOf(cards.map(({ tempC }) => tempC)), board_max: null },
    shares: { accepted, rejected, invalid },
    is_mining: true,
  }
}
