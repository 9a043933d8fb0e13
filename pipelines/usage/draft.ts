import type { AggregatorTask } from '../../schemas/records.ts'
import type { SetAside } from '../task/undecided.ts'
import type { DeadLetter } from '../blocks/dead-letter.ts'
import type { UsageCounts } from './batch-counts.ts'
import type { BatchOutputs } from './count.ts'
import type { OldIds } from './old-ids.ts'

/** A batch while its records are taken. Nothing of it is in force before its transaction is committed. */
export interface Draft {
  readonly task: AggregatorTask
  readonly counts: UsageCounts
  readonly out: BatchOutputs
  readonly dead: DeadLetter[]
  readonly oldIds: OldIds
  readonly setAside: readonly SetAside[]
  ticked: boolean
}
