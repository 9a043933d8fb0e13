import * as fc from 'fast-check'
import type {
  BoardTruth,
  MachineTruth,
  PoolTruth,
} from '../../../infra/local/fleet-sample/machines/answers/truth.ts'
import type { Mode } from '../../../pipelines/fleet/telemetry.ts'

/** How a vendor's answers limit what they can say. */
export interface TruthLimits {
  /** Rates are multiples of it: 10 MH/s where GH/s are written with two decimals. */
  readonly rateStepHs: number
  readonly boardsMax: number
  readonly fansMax: number
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 5 })
const word = (length: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...'ABCDEFGHJKLMNP23456789'.split('')),
    minLength: length,
    maxLength: length,
  })
const byte = fc.integer({ min: 1, max: 254 })

function board({ rateStepHs }: TruthLimits, chipsPerBoard: number): fc.Arbitrary<BoardTruth> {
  const rate = fc.integer({ min: 0, max: 5_000_000 }).map((steps) => steps * rateStepHs)
  return fc.record({
    chips: fc.oneof(
      { weight: 1, arbitrary: fc.constant(0) },
      { weight: 6, arbitrary: fc.integer({ min: 1, max: chipsPerBoard }) },
    ),
    serial: maybe(word(14)),
    rateHs: maybe(rate),
    nominalHs: maybe(rate.map((value) => value + rateStepHs)),
    boardC: maybe(fc.integer({ min: 2, max: 99 })),
    chipC: maybe(fc.integer({ min: 2, max: 130 })),
    freqMhz: maybe(fc.integer({ min: 50, max: 900 })),
    hwErrors: maybe(fc.nat(100_000)),
  })
}

const pool: fc.Arbitrary<PoolTruth> = fc.record({
  url: fc.nat(999).map((n) => `stratum+tcp://pool-${n}.example:3333`),
  user: word(6).map((name) => `acct.${name}`),
  isAlive: fc.boolean(),
  accepted: fc.oneof(fc.nat(90_000), fc.constantFrom(0, 65_535, 4_294_967_295)),
  rejected: fc.nat(500),
  stale: fc.nat(500),
  difficulty: fc.integer({ min: 4, max: 21 }).map((power) => 2 ** power),
  shareAgeS: maybe(fc.nat(86_399)),
})

/** Any machine within the limits. */
export function machineTruth(limits: TruthLimits): fc.Arbitrary<MachineTruth> {
  const model = fc.record({
    make: fc.constant('Maker'),
    model: word(5).map((name) => `Model ${name}`),
    algorithm: fc.constantFrom('SHA-256', 'Scrypt', 'kHeavyHash'),
    boards: fc.integer({ min: 1, max: limits.boardsMax }),
    chipsPerBoard: fc.integer({ min: 1, max: 250 }),
    fans: fc.integer({ min: 0, max: limits.fansMax }),
  })
  const rate = maybe(fc.nat(20_000_000).map((steps) => steps * limits.rateStepHs))
  return model.chain((known) =>
    fc.record({
      model: fc.constant(known),
      serial: maybe(word(16)),
      mac: maybe(fc.tuple(byte, byte, byte).map((last) => `02:00:00:${last.map(hex).join(':')}`)),
      ip: maybe(fc.tuple(byte, byte).map((last) => `10.20.${last.join('.')}`)),
      hostname: maybe(word(8).map((name) => `rig-${name}`)),
      fwVer: maybe(word(8)),
      uptimeS: maybe(fc.nat(5_000_000)),
      nowHs: rate,
      meanHs: rate,
      nominalHs: maybe(fc.integer({ min: 1, max: 20_000_000 }).map((steps) => steps * limits.rateStepHs)),
      powerW: maybe(fc.nat(9_000)),
      mode: maybe(fc.constantFrom<Mode>('normal', 'low', 'sleep')),
      boards: fc.array(board(limits, known.chipsPerBoard), {
        minLength: known.boards,
        maxLength: known.boards,
      }),
      fansRpm: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 100, max: 9_000 })), {
        minLength: known.fans,
        maxLength: known.fans,
      }),
      pools: fc.uniqueArray(pool, { maxLength: 3, selector: ({ url }) => url }),
    }),
  )
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0')
}
