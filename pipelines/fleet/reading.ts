import type {
  Board,
  Fan,
  Gpu,
  Hashrates,
  MachineError,
  Pool,
  Psu,
  SecondaryWork,
  Shares,
  Telemetry,
  Temperatures,
} from './telemetry.ts'

/** What an adapter gives: the parts that the vendor reports. `complete.ts` makes telemetry of it. */

/** A part with the members that name it; the others may be left out, which is the same as null. */
type Draft<Part, Needed extends keyof Part = never> = Partial<Part> & Pick<Part, Needed>

export type BoardReading = Omit<Draft<Board, 'slot'>, 'chips_expected'>
export type FanReading = Draft<Fan, 'index'>
export type PoolReading = Draft<Pool, 'index'>
export type PsuReading = Draft<Psu>
export type GpuReading = Draft<Gpu>
export type ErrorReading = Draft<MachineError, 'vendor_code'>
export type RatesReading = Draft<Hashrates>
export type TemperaturesReading = Draft<Temperatures>
export type SharesReading = Draft<Shares>

export type SecondaryReading = Draft<
  Omit<SecondaryWork, 'hashrate_hs' | 'shares'> & {
    readonly hashrate_hs: RatesReading
    readonly shares: SharesReading
  }
>

/** The fields that follow from others, or that the inventory alone knows. No adapter sets them. */
type Derived = 'boards_online' | 'boards_expected' | 'chips_online' | 'chips_expected' | 'fans_expected'

type Parts =
  | 'hashrate_hs'
  | 'temp_c'
  | 'shares'
  | 'secondary'
  | 'fans'
  | 'boards'
  | 'psus'
  | 'gpu'
  | 'pools'
  | 'errors'

/** In any order of boards, fans and pools. Null or left out: the device does not report it, or its answer is unusable. */
export type Reading = Draft<Omit<Telemetry, Derived | Parts>, 'source_api'> & {
  readonly hashrate_hs?: RatesReading
  readonly temp_c?: TemperaturesReading
  readonly shares?: SharesReading
  readonly secondary?: readonly SecondaryReading[] | null
  readonly fans?: readonly FanReading[] | null
  readonly boards?: readonly BoardReading[] | null
  readonly psus?: readonly PsuReading[] | null
  readonly gpu?: readonly GpuReading[] | null
  readonly pools?: readonly PoolReading[] | null
  readonly errors?: readonly ErrorReading[] | null
}
