import * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { maxOf, sumOf } from './expected.ts'
import type { GeneratedPoll } from './generators.ts'
import type { ModelTruth } from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import { pollDocument } from './poll-document.ts'

interface CardTruth {
  readonly bus: number
  readonly model: string
  readonly tempC: number | null
  readonly memTempC: number | null
  readonly fanPct: number | null
  /** Hundredths of a watt, as are the limits. */
  readonly powerSteps: number | null
  readonly limitSteps: number | null
  readonly coreMhz: number | null
  readonly memMhz: number | null
  readonly utilPct: number | null
}

interface HostTruth {
  readonly cards: readonly CardTruth[]
  /** The names of the columns that were asked for, in their order. */
  readonly columns: readonly ColumnName[]
  readonly hasUnits: boolean
  readonly none: string
  /** Cards of the inventory that are not listed; null: the inventory does not know how many there are. */
  readonly lost: number | null
  /** The tool names one of them as lost between the lines. */
  readonly hasMessage: boolean
}

/** By the column's name: its unit, and the cell of a card; null where the card has none. */
const COLUMNS = {
  index: ['', () => '7'],
  name: ['', ({ model }) => model],
  uuid: ['', ({ bus }) => `GPU-7-${bus}`],
  'pci.bus_id': ['', ({ bus }) => `00000000:${bus.toString(16).toUpperCase().padStart(2, '0')}:00.0`],
  'temperature.gpu': ['', ({ tempC }) => digits(tempC, 0)],
  'temperature.memory': ['', ({ memTempC }) => digits(memTempC, 0)],
  'fan.speed': ['%', ({ fanPct }) => digits(fanPct, 0)],
  'power.draw': ['W', ({ powerSteps }) => digits(powerSteps, 2)],
  'power.limit': ['W', ({ limitSteps }) => digits(limitSteps, 2)],
  'clocks.current.graphics': ['MHz', ({ coreMhz }) => digits(coreMhz, 0)],
  'clocks.current.memory': ['MHz', ({ memMhz }) => digits(memMhz, 0)],
  'utilization.gpu': ['%', ({ utilPct }) => digits(utilPct, 0)],
  'memory.used': ['MiB', () => '77'],
} as const satisfies Readonly<
  Record<string, readonly [unit: string, cell: (card: CardTruth) => string | null]>
>
type ColumnName = keyof typeof COLUMNS
const NAMES = Object.keys(COLUMNS) as ColumnName[]
/** Columns in which a card may have nothing. */
const MEASURED: ReadonlySet<ColumnName> = new Set(NAMES.slice(4, -1))

function digits(steps: number | null, decimals: number): string | null {
  return steps === null ? null : (steps / 10 ** decimals).toFixed(decimals)
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 6 })

const card = (bus: number): fc.Arbitrary<CardTruth> =>
  fc.record({
    bus: fc.constant(bus),
    model: fc.nat(99).map((number) => `Card ${number}`),
    tempC: maybe(fc.integer({ min: 1, max: 120 })),
    memTempC: maybe(fc.integer({ min: 1, max: 120 })),
    fanPct: maybe(fc.nat(100)),
    powerSteps: maybe(fc.nat(90_000)),
    limitSteps: maybe(fc.integer({ min: 1, max: 90_000 })),
    coreMhz: maybe(fc.nat(3_000)),
    memMhz: maybe(fc.nat(9_000)),
    utilPct: maybe(fc.nat(100)),
  })

/** Tables of `nvidia-smi`: columns in any order, with units or without, cells without a reading, cards that are not listed. */
export const nvidiaSmi: fc.Arbitrary<GeneratedPoll> = fc
  .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 8 })
  .chain((buses) =>
    fc.record<HostTruth>({
      cards: fc.tuple(...buses.map(card)),
      columns: fc
        .shuffledSubarray(NAMES, { minLength: 5 })
        .filter((names) => names.some((name) => MEASURED.has(name))),
      hasUnits: fc.boolean(),
      none: fc.constantFrom('[N/A]', 'N/A', '[Not Supported]', '[Unknown Error]', '[GPU requires reset]'),
      lost: fc.option(fc.nat(2)),
      hasMessage: fc.boolean(),
    }),
  )
  .map((truth) => ({
    document: pollDocument({
      adapter: 'nvidia-smi',
      model: HOST,
      answers: [['query-gpu', tableOf(truth)]],
      order: 0,
      gpusExpected: truth.lost === null ? null : truth.cards.length + truth.lost,
    }),
    expected: { telemetry: expectedOf(truth), warnings: warningsOf(truth) },
  }))

const HOST: ModelTruth = {
  make: 'host',
  model: 'Model host',
  algorithm: '',
  boards: 0,
  chipsPerBoard: 0,
  fans: 0,
}

function tableOf({ cards, columns, hasUnits, none, lost, hasMessage }: HostTruth): string {
  const head = columns.map((name) => (COLUMNS[name][0] === '' ? name : `${name} [${COLUMNS[name][0]}]`))
  const lines = cards.map((one) =>
    columns.map((name) => {
      const [unit, cellOf] = COLUMNS[name]
      const cell = cellOf(one)
      if (cell === null) return none
      return hasUnits && unit !== '' ? `${cell} ${unit}` : cell
    }),
  )
  const message = 'Unable to determine the device handle for GPU0000:FE:00.0: Unknown Error'
  const rows = [head, ...lines].map((cells) => cells.join(', '))
  return [...rows, ...(hasMessage && lost === null ? [message] : []), ''].join('\n')
}

/** The value of a card where its column was asked for. */
function shown<T>(value: T | null, name: ColumnName, { columns }: HostTruth): T | null {
  return columns.includes(name) ? value : null
}

/** Cards that are not listed, by the inventory or by the message. */
function missing({ lost, hasMessage }: HostTruth): number {
  return lost ?? (hasMessage ? 1 : 0)
}

function wattsOf(truth: HostTruth): (number | null)[] {
  return truth.cards.map(({ powerSteps }) =>
    powerSteps === null ? null : shown(powerSteps / 100, 'power.draw', truth),
  )
}

function powerOf(truth: HostTruth): { readonly power: number | null; readonly atLeast: number | null } {
  const all = wattsOf(truth)
  const known = all.filter((watts) => watts !== null)
  const isWhole = known.length === all.length && missing(truth) === 0
  return { power: isWhole ? sumOf(known) : null, atLeast: isWhole ? null : sumOf(known) }
}

function warningsOf(truth: HostTruth): string[] {
  const { cards, columns } = truth
  const measured = columns.filter((name) => MEASURED.has(name))
  const isUnavailable = cards.some((one) => measured.some((name) => COLUMNS[name][1](one) === null))
  return [
    ...(isUnavailable ? ['unavailable_dropped'] : []),
    ...(missing(truth) > 0 ? ['gpu_missing'] : []),
    ...(powerOf(truth).atLeast === null ? [] : ['power_partial']),
  ]
}

function expectedOf(truth: HostTruth): JsonObject {
  const { cards, lost } = truth
  const { power, atLeast } = powerOf(truth)
  const inWatts = (steps: number | null): number | null => (steps === null ? null : steps / 100)
  return {
    source_api: 'nvidia-smi',
    hashrate_hs: { now: null },
    power_w: power,
    power_lower_bound_w: atLeast,
    power_source: power === null && atLeast === null ? null : 'gpu_sum',
    gpu: cards.map((one) => ({
      bus: shown(one.bus, 'pci.bus_id', truth),
      model: shown(one.model, 'name', truth),
      hashrate_hs: null,
      temp_c: shown(one.tempC, 'temperature.gpu', truth),
      mem_temp_c: shown(one.memTempC, 'temperature.memory', truth),
      fan_pct: shown(one.fanPct, 'fan.speed', truth),
      power_w: shown(inWatts(one.powerSteps), 'power.draw', truth),
      power_limit_w: shown(inWatts(one.limitSteps), 'power.limit', truth),
      core_mhz: shown(one.coreMhz, 'clocks.current.graphics', truth),
      mem_mhz: shown(one.memMhz, 'clocks.current.memory', truth),
      util_pct: shown(one.utilPct, 'utilization.gpu', truth),
    })),
    gpus_online: cards.length,
    gpus_expected: lost === null && missing(truth) === 0 ? null : cards.length + missing(truth),
    temp_c: { chip_max: maxOf(cards.map(({ tempC }) => shown(tempC, 'temperature.gpu', truth))) },
  }
}
