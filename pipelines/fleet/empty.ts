import type {
  Board,
  Fan,
  Gpu,
  Hashrates,
  MachineError,
  Pool,
  Psu,
  Shares,
  Telemetry,
  Temperatures,
} from './telemetry.ts'

/** Each part of telemetry with nothing reported: a part that an adapter gives is laid over it. */

export const NO_RATES: Hashrates = {
  now: null,
  '1m': null,
  '5m': null,
  '10m': null,
  '15m': null,
  '30m': null,
  '1h': null,
  avg: null,
}

export const NO_TEMPERATURES: Temperatures = {
  ambient: null,
  inlet: null,
  outlet: null,
  board_max: null,
  chip_avg: null,
  chip_max: null,
  psu: null,
  vr: null,
}

export const NO_SHARES: Shares = { accepted: null, rejected: null, stale: null, invalid: null }

export const NO_FAN: Omit<Fan, 'index'> = { rpm: null, pct: null }

export const NO_BOARD: Omit<Board, 'slot' | 'chips_expected'> = {
  serial: null,
  present: null,
  enabled: null,
  hashrate_hs: null,
  nominal_hs: null,
  temp_board_c: null,
  temp_chip_c: null,
  chips: null,
  freq_mhz: null,
  voltage_v: null,
  hw_errors: null,
  power_w: null,
}

export const NO_PSU: Psu = {
  serial: null,
  in_w: null,
  out_w: null,
  in_v: null,
  out_v: null,
  in_a: null,
  out_a: null,
  hotspot_c: null,
  fan_rpm: null,
}

export const NO_GPU: Gpu = {
  bus: null,
  model: null,
  hashrate_hs: null,
  temp_c: null,
  mem_temp_c: null,
  fan_pct: null,
  power_w: null,
  power_limit_w: null,
  core_mhz: null,
  mem_mhz: null,
  util_pct: null,
}

export const NO_POOL: Omit<Pool, 'index'> = {
  url: null,
  user: null,
  priority: null,
  active: null,
  alive: null,
  accepted: null,
  rejected: null,
  stale: null,
  discarded: null,
  get_failures: null,
  remote_failures: null,
  diff_accepted: null,
  diff_rejected: null,
  diff_stale: null,
  difficulty: null,
  last_share_at: null,
}

export const NO_ERROR: Omit<MachineError, 'vendor_code'> = {
  component: null,
  slot: null,
  message: null,
  first_seen: null,
}

export const NO_TELEMETRY: Omit<Telemetry, 'source_api'> = {
  algorithm: null,
  make: null,
  model: null,
  firmware: null,
  fw_ver: null,
  api_ver: null,
  serial: null,
  mac: null,
  ip: null,
  hostname: null,
  device_time: null,
  hashrate_hs: NO_RATES,
  hashrate_nominal_hs: null,
  hashrate_sticker_hs: null,
  hashrate_error_hs: null,
  secondary: null,
  hw_errors: null,
  hw_error_ratio: null,
  power_w: null,
  power_lower_bound_w: null,
  power_limit_w: null,
  power_source: null,
  energy_wh_total: null,
  uptime_s: null,
  system_uptime_s: null,
  temp_c: NO_TEMPERATURES,
  coolant_in_c: null,
  coolant_out_c: null,
  fans: null,
  fan_psu_rpm: null,
  fans_expected: null,
  boards: null,
  boards_online: null,
  boards_expected: null,
  chips_online: null,
  chips_expected: null,
  psus: null,
  gpu: null,
  gpus_online: null,
  gpus_expected: null,
  pools: null,
  shares: NO_SHARES,
  best_share: null,
  found_blocks: null,
  mode: null,
  status_raw: null,
  is_mining: null,
  errors: null,
}
