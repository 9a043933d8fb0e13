import type { POWER_SOURCES } from '../../schemas/fleet/fields.ts'

/**
 * What one poll of one machine says, in base units: H/s (solutions per second for Equihash), W, s, °C, V, A, MHz. `null`
 * means not reported; 0 means a measured 0. The names are those of the document that the fleet's routes take and show.
 */

/** The windows over which devices average. One that a device does not give is null and is never filled from another one. */
export type RateWindow = 'now' | '1m' | '5m' | '10m' | '15m' | '30m' | '1h' | 'avg'

/** Whole hashes per second, below 2^53. */
export type Hashrates = Readonly<Record<RateWindow, number | null>>

/** Chip, board and air are different kinds, which are never put into one line. */
export type TemperatureKind =
  | 'ambient'
  | 'inlet'
  | 'outlet'
  | 'board_max'
  | 'chip_avg'
  | 'chip_max'
  | 'psu'
  | 'vr'
export type Temperatures = Readonly<Record<TemperatureKind, number | null>>

/** Where the watts come from: what was measured, from the most to the least exact, then what is an estimate. */
export type PowerSource = (typeof POWER_SOURCES)[number]

export type Mode = 'normal' | 'low' | 'high' | 'sleep' | 'tuning'

export interface Fan {
  readonly index: number
  readonly rpm: number | null
  readonly pct: number | null
}

export interface Board {
  /** Counted from 0, as on the machine. */
  readonly slot: number
  readonly serial: string | null
  /** False for a board that is lost; true for one that is disabled by decision; null where the answer cannot tell. */
  readonly present: boolean | null
  readonly enabled: boolean | null
  readonly hashrate_hs: number | null
  readonly nominal_hs: number | null
  readonly temp_board_c: number | null
  readonly temp_chip_c: number | null
  readonly chips: number | null
  readonly chips_expected: number | null
  readonly freq_mhz: number | null
  readonly voltage_v: number | null
  readonly hw_errors: number | null
  readonly power_w: number | null
}

export interface Psu {
  readonly serial: string | null
  readonly in_w: number | null
  readonly out_w: number | null
  readonly in_v: number | null
  readonly out_v: number | null
  readonly in_a: number | null
  readonly out_a: number | null
  readonly hotspot_c: number | null
  readonly fan_rpm: number | null
}

/** The counters run since the mining process started. */
export interface Pool {
  readonly index: number
  /** Without user and password. */
  readonly url: string | null
  readonly user: string | null
  readonly priority: number | null
  readonly active: boolean | null
  readonly alive: boolean | null
  readonly accepted: number | null
  readonly rejected: number | null
  readonly stale: number | null
  readonly discarded: number | null
  readonly get_failures: number | null
  readonly remote_failures: number | null
  readonly diff_accepted: number | null
  readonly diff_rejected: number | null
  readonly diff_stale: number | null
  readonly difficulty: number | null
  /** RFC 3339, by the node's clock. */
  readonly last_share_at: string | null
}

/** Counters since the mining process started. */
export interface Shares {
  readonly accepted: number | null
  readonly rejected: number | null
  readonly stale: number | null
  readonly invalid: number | null
}

/** Work under a second algorithm at the same time. It is never added to the first. */
export interface SecondaryWork {
  readonly algorithm: string | null
  readonly hashrate_hs: Hashrates
  readonly shares: Shares
}

export type Component =
  | 'device'
  | 'fan'
  | 'psu'
  | 'hashboard'
  | 'sensor'
  | 'firmware'
  | 'control_board'
  | 'network'
  | 'pool'

export interface MachineError {
  readonly vendor_code: string
  readonly component: Component | null
  readonly slot: number | null
  readonly message: string | null
  readonly first_seen: string | null
}

export interface Gpu {
  /** The number of the bus, in decimal. */
  readonly bus: number | null
  readonly model: string | null
  readonly hashrate_hs: number | null
  readonly temp_c: number | null
  readonly mem_temp_c: number | null
  readonly fan_pct: number | null
  readonly power_w: number | null
  readonly power_limit_w: number | null
  readonly core_mhz: number | null
  readonly mem_mhz: number | null
  readonly util_pct: number | null
}

export interface Telemetry {
  readonly source_api: string
  readonly algorithm: string | null
  readonly make: string | null
  readonly model: string | null
  readonly firmware: string | null
  readonly fw_ver: string | null
  readonly api_ver: string | null
  readonly serial: string | null
  /** `02:00:00:00:04:17`: capitals, colons. */
  readonly mac: string | null
  readonly ip: string | null
  readonly hostname: string | null
  /** The machine's own clock, RFC 3339; null where it has none. It orders nothing. */
  readonly device_time: string | null
  readonly hashrate_hs: Hashrates
  readonly hashrate_nominal_hs: number | null
  readonly hashrate_sticker_hs: number | null
  readonly hashrate_error_hs: number | null
  readonly secondary: readonly SecondaryWork[] | null
  readonly hw_errors: number | null
  /** 0 to 1. */
  readonly hw_error_ratio: number | null
  readonly power_w: number | null
  /** The sum of the parts that are known, where others are missing. */
  readonly power_lower_bound_w: number | null
  readonly power_limit_w: number | null
  readonly power_source: PowerSource | null
  readonly energy_wh_total: number | null
  /** Since the mining process started. */
  readonly uptime_s: number | null
  /** Since the machine started. */
  readonly system_uptime_s: number | null
  readonly temp_c: Temperatures
  readonly coolant_in_c: number | null
  readonly coolant_out_c: number | null
  readonly fans: readonly Fan[] | null
  readonly fan_psu_rpm: number | null
  readonly fans_expected: number | null
  readonly boards: readonly Board[] | null
  readonly boards_online: number | null
  readonly boards_expected: number | null
  readonly chips_online: number | null
  readonly chips_expected: number | null
  readonly psus: readonly Psu[] | null
  readonly gpu: readonly Gpu[] | null
  readonly gpus_online: number | null
  readonly gpus_expected: number | null
  readonly pools: readonly Pool[] | null
  readonly shares: Shares
  readonly best_share: number | null
  readonly found_blocks: number | null
  readonly mode: Mode | null
  readonly status_raw: string | null
  /** The intent (mode, pause, schedule), not whether the rate is above 0. */
  readonly is_mining: boolean | null
  readonly errors: readonly MachineError[] | null
}
