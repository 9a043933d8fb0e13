import { judgeRepair } from './broken.ts'
import type { NoticeRule } from './notices/rule.ts'
import { OTHER_NOTICES } from './notices/faults.ts'
import { SAFETY_NOTICES } from './notices/heat.ts'
import type { Observation } from './observe.ts'
import { RULES_1 } from './rules.ts'
import type { Rule } from './rules.ts'
import { judgeStanding } from './standing.ts'
import { judgePerformance } from './underperforming.ts'

/**
 * The rules of one version. A version that was ever released stays as it is: a change of a rule is a new version, and a
 * build carries the version that is in force and the one before, so that what was decided by either can be decided again.
 * All versions of a build read and write the same columns.
 */
export interface Engine {
  readonly version: number
  /** Move the clocks and latches that rules read, with a current sample, in this order. */
  readonly judges: readonly ((observation: Observation) => void)[]
  /** The first rule that holds wins, and the last one always holds. */
  readonly rules: readonly Rule[]
  readonly notices: readonly NoticeRule[]
}

/** The engines of this build. */
export const ENGINES: readonly Engine[] = [
  {
    version: 1,
    judges: [judgeStanding, judgeRepair, judgePerformance],
    rules: RULES_1,
    notices: [...SAFETY_NOTICES, ...OTHER_NOTICES],
  },
]

/** The engine of a version; throws where the build does not carry it: nothing may be decided by other rules instead. */
export function engineOf(version: number, engines: readonly Engine[] = ENGINES): Engine {
  const engine = engines.find((one) => one.version === version)
  if (engine !== undefined) return engine
  const carried = engines.map((one) => one.version).join(', ')
  throw new Error(
    `The log asks for status engine ${version}; this build carries ${carried}. Start a build that has it.`,
  )
}
