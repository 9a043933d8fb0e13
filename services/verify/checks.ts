import { AccountCheck } from './account/check.ts'
import type { Check, VerifyRun } from './check.ts'
import { FleetCheck } from './fleet/check.ts'
import { UsageCheck } from './usage/check.ts'

/**
 * The checks, in their order: a pipeline that hands over comes before the one that takes. A new pipeline adds a folder
 * and a row.
 */
export const CHECKS: readonly (new (run: VerifyRun) => Check)[] = [UsageCheck, AccountCheck, FleetCheck]
