import type { CheckCounts } from './check.ts'
import type { Differences } from './differences.ts'

/** The result of a run, in lines: how it was compared, each difference, and what was compared. */
export function summaryOf(checks: readonly CheckCounts[], differences: Differences): readonly string[] {
  const undecided = checks.reduce((sum, counts) => sum + counts.undecided, 0)
  const compared = checks.flatMap((counts) => counts.compared).map(([count, what]) => `${count} ${what}`)
  return [
    ...checks.flatMap(({ otherwise }) => otherwise),
    ...(undecided === 0
      ? []
      : [`${undecided} events and requests were set aside as cannot_be_decided: taken as facts`]),
    ...checks.flatMap(({ leftOut }) => leftOut),
    ...differences.lines(),
    `${differences.count} differences in ${compared.join(', ')}`,
  ]
}
