import type { MachineTruth, PoolTruth } from './truth.ts'
import { clockText, ordered, orAbsent, written } from './writing.ts'
import type { Style } from './writing.ts'

/** What both generations of Bitmain's stock firmware have in common. */

/** In which unit the machine writes its rates, and who says so. */
export const UNITS = [
  { prefix: 'G', stepHs: 10_000_000, shown: 'GH/s', labelUnit: undefined, isWarned: false },
  { prefix: 'G', stepHs: 10_000_000, shown: undefined, labelUnit: undefined, isWarned: false },
  { prefix: 'G', stepHs: 10_000_000, shown: 'GH', labelUnit: 'GH', isWarned: false },
  { prefix: 'M', stepHs: 10_000, shown: 'MH', labelUnit: undefined, isWarned: false },
  { prefix: 'M', stepHs: 10_000, shown: 'MH', labelUnit: 'MH', isWarned: false },
  { prefix: 'M', stepHs: 10_000, shown: undefined, labelUnit: 'MH', isWarned: true },
  { prefix: 'M', stepHs: 10_000, shown: 'GH', labelUnit: 'MH', isWarned: true },
] as const
export type RateUnit = (typeof UNITS)[number]

export interface BitmainTruth extends MachineTruth {
  readonly unit: RateUnit
  readonly style: Style
  /** Chains beyond the boards that the machine lists all the same. */
  readonly unusedChains: number
  readonly unusedFans: number
  readonly deviceTimeS: number | null
  /** A slot for a pool that nobody filled in. */
  readonly hasUnusedPool: boolean
}

/** A rate as the machine writes it: hundredths of its unit. */
export function rateText(rateHs: number, { unit, style }: BitmainTruth): string | number {
  return written(rateHs / unit.stepHs, 2, style.numbers)
}

/** The answer that names the machine; null where it says nothing of it. */
export function systemInfo(truth: BitmainTruth): Record<string, unknown> {
  return ordered(
    {
      minertype: truth.model.model,
      macaddr: orAbsent(truth.mac, (mac) => mac.toLowerCase()),
      hostname: truth.hostname ?? undefined,
      ipaddress: truth.ip ?? '0.0.0.0',
      serinum: truth.serial ?? 'N/A',
      system_filesystem_version: truth.fwVer ?? undefined,
    },
    truth.style.order,
  )
}

/** The time since the last share, or "0". */
export function shareAge({ shareAgeS }: PoolTruth): string {
  return shareAgeS === null ? '0' : clockText(shareAgeS)
}
