import type { ConsumerName } from '../../schemas/services.ts'
import type { Lookup } from '../../pipelines/dedupe/lookup.ts'
import type { ProduceWire } from '../../pipelines/kafka/produce/wire.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { TaskWriter } from '../../pipelines/task/ports.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import type { ModelTables } from '../../pipelines/usage/model-tables.ts'

/** Layers that a test puts between the services and the world, to take a guard away. */
export interface Tampering {
  readonly wire?: (wire: ProduceWire) => ProduceWire
  readonly writer?: (service: ConsumerName, writer: TaskWriter, partition: number) => TaskWriter
  readonly state?: (service: ConsumerName, state: TaskState, partition: number) => TaskState
  /** The records of one fetch, before a loader takes them. */
  readonly blocks?: (records: readonly LogRecord[]) => readonly LogRecord[]
  readonly lookup?: (lookup: Lookup) => Lookup
  /** The records that a task of the partition sends on. */
  readonly forward?: (forward: Forward, partition: number) => Forward
  readonly models?: (tables: ModelTables) => ModelTables
}
