import type { MachineTruth } from './truth.ts'
import type { Style } from './writing.ts'

/** A machine, and the way in which it writes. */
export interface StyledTruth extends MachineTruth {
  readonly style: Style
  /** The machine's own clock; null where no answer shows it. */
  readonly deviceTimeS: number | null
  /** A number that choices follow from which the vendor's form leaves open. */
  readonly choice: number
}

/** The order in which a machine lists its parts. */
export function listed<Part>(parts: readonly Part[], { style }: StyledTruth): Part[] {
  return style.order % 3 === 0 ? parts.toReversed() : [...parts]
}
