import * as fc from 'fast-check'
import { localTimeText } from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import type { ErrorTruth, Zone } from '../../../../infra/local/fleet-sample/machines/answers/whatsminer.ts'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { POLLED_AT_S } from '../poll-document.ts'

const COMPONENTS: Readonly<Record<string, string>> = {
  1: 'fan',
  2: 'psu',
  3: 'device',
  4: 'hashboard',
  5: 'hashboard',
  6: 'device',
  7: 'control_board',
  8: 'control_board',
}

export const anyZone: fc.Arbitrary<Zone> = fc.constantFrom(
  { name: null, aheadS: 7_200 },
  { name: 'Etc/UTC', aheadS: 0 },
  { name: 'Asia/Kolkata', aheadS: 19_800 },
  { name: 'America/Phoenix', aheadS: -25_200 },
)

const code = fc.oneof(fc.integer({ min: 100, max: 899 }), fc.integer({ min: 2_000, max: 2_999 })).map(String)

export const anyErrors: fc.Arbitrary<readonly ErrorTruth[]> = fc.uniqueArray(
  fc.record({ code, atS: fc.nat(2_000_000).map((agoS) => POLLED_AT_S - agoS) }),
  { maxLength: 4, selector: (error) => error.code },
)

export function errorTelemetry(
  { code: vendorCode, atS }: ErrorTruth,
  zone: Zone,
  reason: string | null,
): JsonObject {
  const component = vendorCode.length === 4 ? 'pool' : COMPONENTS[vendorCode.charAt(0)]
  const isTold = zone.name !== null
  return {
    vendor_code: vendorCode,
    component: component ?? null,
    first_seen: isTold ? new Date(atS * 1_000).toISOString() : null,
    message: reason ?? (isTold ? null : localTimeText(atS, zone)),
  }
}
