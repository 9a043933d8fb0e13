import { HOUR_MS, MEGA, SECOND_MS } from '../../../../schemas/units.ts'
import type { RatesReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/**
 * The windows of `stats`. Those of `summary` are not read: they count shares, so that a few shares more in 5 s are half of the
 * rate more. The hour divides by an hour even when the machine has run for less: until then it is no mean.
 */
export function readRates(stats: Place, uptimeS: number | null): RatesReading {
  const isOver = uptimeS !== null && uptimeS * SECOND_MS >= HOUR_MS
  const rate = (window: string): number | null => stats.at(`MHS(${window})`).rateHs(MEGA)
  return {
    now: rate('Sample'),
    '1m': rate('1m'),
    '5m': rate('5m'),
    '15m': rate('15m'),
    '30m': rate('30m'),
    '1h': isOver ? rate('1h') : null,
    avg: rate('Avg'),
  }
}
