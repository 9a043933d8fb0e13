import type { Metrics } from '../../schemas/metrics.ts'
import type { Clock } from '../clock.ts'
import type { DecidePoint } from '../failpoints.ts'
import { FatalError } from '../log/records.ts'
import type { Forward } from '../task/task.ts'
import type { StoreGate } from '../blocks/store-gate.ts'
import type { IdPool } from '../dedupe/id-memory.ts'
import type { Lookup } from '../dedupe/lookup.ts'
import type { ModelTables } from './model-tables.ts'

/** The id key belongs to another installation: identities would not match, so the process must not run at all. */
export class IdKeyError extends FatalError {
  readonly code = 'ID_KEY'
}

export interface AggregatorOptions {
  readonly partition: number
  readonly partitions: number
  readonly topics: {
    readonly usageMetered: string
    readonly usageIds: string
    readonly usageBlocks: string
    readonly accountInbox: string
  }
  readonly idKey: Buffer
  readonly idPool: IdPool
  readonly lookup: Lookup
  readonly models: ModelTables
  /** The highest number in `watermarks` that ClickHouse has reported for this partition; 0 before the first answer. */
  readonly loadedSeq: (partition: number) => number
  /** Opened for each restore: nothing is decided before the gate lets the task pass. */
  readonly gate: StoreGate
  /** What an end record must carry to end this version of the topics; null while none ends. */
  readonly endToken?: () => Buffer | null
  /** Sends events on to the partitions that they belong to. */
  readonly forward: Forward
  /** Called with the number of events that a committed transaction sent on. */
  readonly onForwarded?: ((events: number) => void) | undefined
  readonly decidePoint?: DecidePoint | undefined
  readonly clock: Clock
  readonly metrics: Metrics
}
