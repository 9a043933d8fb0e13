import { AccountCheck } from './account/check.ts'
import type { Check, VerifyRun } from './check.ts'
import { UsageCheck } from './usage/check.ts'

/** What is checked, in this order: whoever hands over before whoever takes in. A pipeline more is a folder and a row. */
export const CHECKS: readonly (new (run: VerifyRun) => Check)[] = [UsageCheck, AccountCheck]
