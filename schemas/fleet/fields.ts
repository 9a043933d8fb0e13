import {
  BOARDS_MAX,
  COUNT_MAX,
  ERRORS_MAX,
  FANS_MAX,
  GPUS_MAX,
  POOLS_MAX,
  PSUS_MAX,
  RATE_HS_MAX,
  SECONDARY_MAX,
} from './bounds.ts'

/**
 * Every field of what a node reports of a machine, once: its form, its unit by its name, its range. The gateway reads JSON
 * by this table, the task checks records by it, the OpenAPI document is made from it, and a test holds the Avro schema equal
 * to it. A field is null where the device does not report it; 0 is a measured 0.
 */
export type Field =
  /** A finite number in `[min, max]`. */
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  /** A whole number in `[0, max]`; a `double` in the log, since a rate may need 53 bits. */
  | { readonly kind: 'rate'; readonly max: number }
  /** A whole number in `[0, max]`. */
  | { readonly kind: 'count'; readonly max: number }
  /** The place of a part in its machine; never null. */
  | { readonly kind: 'place'; readonly max: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'text' }
  /** A text that is never null. */
  | { readonly kind: 'code' }
  /** Six bytes as `02:00:00:00:04:17`. */
  | { readonly kind: 'mac' }
  /** UTC milliseconds. */
  | { readonly kind: 'time' }
  | { readonly kind: 'word'; readonly words: readonly string[]; readonly type: string }
  /** Fields that belong together; never null. */
  | GroupField
  /** At most `itemsMax` parts. */
  | ListField

interface GroupField {
  readonly kind: 'group'
  readonly type: string
  readonly fields: Fields
}

interface ListField {
  readonly kind: 'list'
  /** The name of the Avro record that one part is. */
  readonly type: string
  readonly fields: Fields
  readonly itemsMax: number
}

/** By name. Avro allows no name that begins with a digit: `_1m` is `1m` in JSON. */
export interface Fields {
  readonly [name: string]: Field
}

/** The name of a field in JSON. */
export function jsonNameOf(name: string): string {
  return name.replace(/^_/, '')
}

/** The value of a field in the log. */
export type ValueOf<Of extends Field> = Of extends { readonly kind: 'flag' }
  ? boolean | null
  : Of extends { readonly kind: 'word'; readonly words: readonly (infer Word)[] }
    ? Word | null
    : Of extends { readonly kind: 'text' | 'mac' }
      ? string | null
      : Of extends { readonly kind: 'code' }
        ? string
        : Of extends { readonly kind: 'place' }
          ? number
          : Of extends { readonly kind: 'group'; readonly fields: infer Parts extends Fields }
            ? RecordOf<Parts>
            : Of extends { readonly kind: 'list'; readonly fields: infer Parts extends Fields }
              ? readonly RecordOf<Parts>[] | null
              : number | null

/** A record with these fields. */
export type RecordOf<Of extends Fields> = { readonly [Name in keyof Of]: ValueOf<Of[Name]> }

const number = (min: number, max: number) => ({ kind: 'number', min, max }) as const
const word = <const Words extends readonly string[]>(type: string, words: Words) =>
  ({ kind: 'word', type, words }) as const
const group = <const Parts extends Fields>(type: string, fields: Parts) =>
  ({ kind: 'group', type, fields }) as const
const list = <const Parts extends Fields>(type: string, itemsMax: number, fields: Parts) =>
  ({ kind: 'list', type, itemsMax, fields }) as const

const rate = { kind: 'rate', max: RATE_HS_MAX } as const
const count = { kind: 'count', max: COUNT_MAX } as const
const place = { kind: 'place', max: 65_535 } as const
const flag = { kind: 'flag' } as const
const text = { kind: 'text' } as const
const code = { kind: 'code' } as const
const mac = { kind: 'mac' } as const
const time = { kind: 'time' } as const
/** Beyond this a sensor is broken, whatever it says. */
const temperature = number(-100, 250)
/** A rig, or a container's meter. */
const watts = number(0, 10_000_000)
const volts = number(0, 100_000)
const amperes = number(0, 100_000)
const rpm = number(0, 1_000_000)
const percent = number(0, 100)
const megahertz = number(0, 1_000_000)
const seconds = number(0, 10_000_000_000)
/** Difficulties and sums of them, Wh since a machine was built. */
const large = number(0, 1e30)

const RATES = {
  now: rate,
  _1m: rate,
  _5m: rate,
  _10m: rate,
  _15m: rate,
  _30m: rate,
  _1h: rate,
  avg: rate,
} as const
const SHARES = { accepted: count, rejected: count, stale: count, invalid: count } as const

/** What identifies the machine that an item is about, as far as it is known: its fingerprint, and where it answered. */
export const MACHINE_FIELDS = {
  serial: text,
  /** As the device says it. */
  mac,
  /** As the node's ARP table has it. */
  mac_arp: mac,
  address: text,
} as const satisfies Fields

/** Where watts come from: what was measured, from the most to the least exact, then what is an estimate. */
export const POWER_SOURCES = [
  'pdu',
  'meter',
  'miner_psu',
  'miner',
  'miner_estimate',
  'gpu_sum',
  'nameplate',
] as const
const MODES = ['normal', 'low', 'high', 'sleep', 'tuning'] as const
const COMPONENTS = [
  'device',
  'fan',
  'psu',
  'hashboard',
  'sensor',
  'firmware',
  'control_board',
  'network',
  'pool',
] as const

/** What one poll of a machine gave. Static texts are in device reports. */
export const SAMPLE_FIELDS = {
  algorithm: text,
  device_time: time,
  hashrate_hs: group('Hashrates', RATES),
  hashrate_nominal_hs: rate,
  hashrate_sticker_hs: rate,
  hashrate_error_hs: rate,
  secondary: list('SecondaryWork', SECONDARY_MAX, {
    algorithm: text,
    hashrate_hs: group('Hashrates', RATES),
    shares: group('Shares', SHARES),
  }),
  hw_errors: count,
  hw_error_ratio: number(0, 1),
  power_w: watts,
  power_lower_bound_w: watts,
  power_limit_w: watts,
  power_source: word('PowerSource', POWER_SOURCES),
  energy_wh_total: large,
  uptime_s: seconds,
  system_uptime_s: seconds,
  temp_c: group('Temperatures', {
    ambient: temperature,
    inlet: temperature,
    outlet: temperature,
    board_max: temperature,
    chip_avg: temperature,
    chip_max: temperature,
    psu: temperature,
    vr: temperature,
  }),
  coolant_in_c: temperature,
  coolant_out_c: temperature,
  fans: list('Fan', FANS_MAX, { index: place, rpm, pct: percent }),
  fan_psu_rpm: rpm,
  fans_expected: count,
  boards: list('Board', BOARDS_MAX, {
    slot: place,
    present: flag,
    enabled: flag,
    hashrate_hs: rate,
    nominal_hs: rate,
    temp_board_c: temperature,
    temp_chip_c: temperature,
    chips: count,
    chips_expected: count,
    freq_mhz: megahertz,
    voltage_v: volts,
    hw_errors: count,
    power_w: watts,
  }),
  boards_online: count,
  boards_expected: count,
  chips_online: count,
  chips_expected: count,
  psus: list('Psu', PSUS_MAX, {
    in_w: watts,
    out_w: watts,
    in_v: volts,
    out_v: volts,
    in_a: amperes,
    out_a: amperes,
    hotspot_c: temperature,
    fan_rpm: rpm,
  }),
  gpu: list('Gpu', GPUS_MAX, {
    bus: count,
    hashrate_hs: rate,
    temp_c: temperature,
    mem_temp_c: temperature,
    fan_pct: percent,
    power_w: watts,
    power_limit_w: watts,
    core_mhz: megahertz,
    mem_mhz: megahertz,
    util_pct: percent,
  }),
  gpus_online: count,
  gpus_expected: count,
  pools: list('Pool', POOLS_MAX, {
    index: place,
    priority: count,
    active: flag,
    alive: flag,
    accepted: count,
    rejected: count,
    stale: count,
    discarded: count,
    get_failures: count,
    remote_failures: count,
    diff_accepted: large,
    diff_rejected: large,
    diff_stale: large,
    difficulty: large,
    last_share_at: time,
  }),
  shares: group('Shares', SHARES),
  best_share: large,
  found_blocks: count,
  mode: word('Mode', MODES),
  status_raw: text,
  is_mining: flag,
  errors: list('MachineError', ERRORS_MAX, {
    vendor_code: code,
    component: word('Component', COMPONENTS),
    slot: count,
    message: text,
    first_seen: time,
  }),
} as const satisfies Fields

/** How a poll ended; `timeout` and `refused` are of the connection, and the other two of a machine that answered. */
export const POLL_RESULTS = ['ok', 'partial', 'timeout', 'refused', 'auth_failed', 'unreadable'] as const

/** The texts of a machine that seldom change, sent when they do and every ten minutes. */
export const REPORT_FIELDS = {
  source_api: text,
  make: text,
  model: text,
  firmware: text,
  fw_ver: text,
  api_ver: text,
  hostname: text,
  /** As the device says it. */
  ip: text,
  boards: list('BoardSerial', BOARDS_MAX, { slot: place, serial: text }),
  psus: list('PsuSerial', PSUS_MAX, { serial: text }),
  gpu: list('GpuModel', GPUS_MAX, { bus: count, model: text }),
  pools: list('PoolName', POOLS_MAX, { index: place, url: text, user: text }),
} as const satisfies Fields
