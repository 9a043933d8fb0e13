/**
 * What may be told about one worker. A worker has at most one open record of a kind. The place in this list is the place
 * in the columns, which are stored: append only.
 */
export const NOTICE_KINDS = [
  'temperature_chip',
  'temperature_board',
  'temperature_inlet',
  'coolant_low',
  'temperature_rise',
  'hashboard',
  'chips_falling',
  'hw_errors',
  'fan_stopped',
  'fan_spread',
  'pool_backup',
  'pool_dead',
  'pool_foreign',
  'pool_changed',
  'pool_redirected',
  'restarts',
  'power_over_cap',
  'unit_suspect',
  'window_not_obeyed',
  'status',
] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

export type Severity = 'info' | 'warning' | 'critical'
