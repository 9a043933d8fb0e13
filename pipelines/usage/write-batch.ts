import { STATE_KEY } from '../../schemas/avro.ts'
import { TABLES } from '../../schemas/tables.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { TopicAppend } from '../log/records.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import type { TaskLedger } from '../task/ledger.ts'
import { writeDeltas } from './blocks.ts'
import type { UsageColumns } from './decode.ts'
import type { Draft } from './draft.ts'
import type { IdMemory } from '../dedupe/id-memory.ts'
import { newIdValues } from '../dedupe/id-records.ts'
import { toQuarterHours } from '../windows/deltas.ts'
import type { Deltas } from '../windows/deltas.ts'
import { writeLetter } from './set-aside.ts'
import type { AggregatorOptions } from './task-options.ts'

/** What a task holds besides the batch, and what it writes the batch with. */
export interface Writing {
  readonly options: AggregatorOptions
  readonly columns: UsageColumns
  readonly ledger: TaskLedger<AggregatorTask>
  readonly memory: IdMemory
  readonly newestOccurredAt: number
  /** Reused for the deltas of the quarter hours; its old content is lost. */
  readonly quarters: Deltas
}

/** Where a batch ends. */
export interface BatchEnd {
  readonly position: bigint
  /** Whether the batch took a record. */
  readonly moved: boolean
  readonly endGroup: boolean
}

/** The records of a batch's transaction, and the index of the first one with ids. */
export interface Written {
  readonly records: readonly TopicAppend[]
  readonly ids: number
}

/** Turns a batch into the records of one transaction, the task record last. */
export async function writeBatch(writing: Writing, draft: Draft, batch: BatchEnd): Promise<Written> {
  const { options, ledger, memory, columns } = writing
  const { blocks } = ledger
  const { task, out, dead } = draft
  const { topics, partition } = options
  const logTimeMs = task.watermark + WATERMARK_DELAY_MS
  const place = { topic: topics.usageMetered, since: task.since, setAsideAtMs: logTimeMs }
  for (const letter of dead) writeLetter(blocks, letter, place)
  writeDeltas(blocks, TABLES.usage1m, out.minutes, columns)
  writeDeltas(blocks, TABLES.usage15m, toQuarterHours(out.minutes, writing.quarters), columns)
  task.position = Number(batch.position)
  const records = await ledger.finish(task, { logTimeMs, endGroup: batch.endGroup })
  const lastSeq = task.next_seq - 1
  if (batch.moved) {
    const to = { offset: task.position, index: 0 }
    records.push(...out.handOver.finish(to, task.watermark, topics.accountInbox, partition))
  }
  const ids = records.length
  const { newestOccurredAt } = writing
  const values = newIdValues(memory, { newestOccurredAt, lastSeq })
  for (const value of values) records.push({ topic: topics.usageIds, partition, key: STATE_KEY.ids, value })
  if (values.length > 0) {
    memory.endRecord({ acceptedAtMs: logTimeMs, newestOccurredAt, lastSeq, offset: null })
  }
  records.push(ledger.record(task))
  return { records, ids }
}
