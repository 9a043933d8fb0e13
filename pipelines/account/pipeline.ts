import {
  accountCodec,
  inboxConfigureCodec,
  inboxUsageCodec,
  SCHEMA_ID,
  schemaIdOf,
  settlerTaskCodec,
  STATE_KEY,
} from '../../schemas/avro.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { Account, InboxUsage, SettlerTask } from '../../schemas/records.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { Clock } from '../clock.ts'
import { HaltError } from '../kafka/records.ts'
import type { LogRecord, TopicAppend } from '../kafka/records.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../kafka/task.ts'
import { BlockLog } from '../load/block-log.ts'
import { writeDeadLetter } from '../load/dead-letter.ts'
import type { DeadLetter } from '../load/dead-letter.ts'
import { UnloadedBlocks } from '../load/unloaded.ts'
import { addSum, decideCost, nameOperator, openAccount } from './account.ts'
import type { AccountRules } from './account.ts'
import { AccountBlocks } from './blocks.ts'

/** Spark per US dollar before the log has said anything else (the documented default). */
export const SPARK_PER_USD_DEFAULT = 100

export interface SettlerOptions {
  readonly partition: number
  readonly topics: {
    readonly accountInbox: string
    readonly nodeState: string
    readonly settlementBlocks: string
  }
  /** The rules of this process' settings: appended to the inbox where the task has a lower version. */
  readonly rules: AccountRules
  readonly loadedSeq: (partition: number) => number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The settler's task: the only writer of its nodes' accounts. See the design, sections 2 and 6. */
export class SettlerState implements TaskState {
  readonly #options: SettlerOptions
  readonly #accounts = new Map<string, Account>()
  #task: SettlerTask
  #restoredAny = false
  #hasTaskRecord = false
  #blocks: BlockLog
  #unloaded = new UnloadedBlocks(0, null, 0)
  #pending: { applied: number; repeats: number; rows: AccountBlocks; dead: DeadLetter[] } | undefined

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#task = {
      position: 0,
      next_seq: 1,
      now: 0,
      watermark: 0,
      handed_offset: 0,
      handed_index: 0,
      rules_version: 0,
      spark_per_usd: SPARK_PER_USD_DEFAULT,
      loaded_seq: 0,
      oldest_unloaded_at: null,
    }
    this.#blocks = this.#openBlocks()
  }

  restore(record: LogRecord): void {
    const key = record.key?.toString('latin1')
    if (key === undefined || key === STATE_KEY.fence) return
    this.#restoredAny = true
    if (key === STATE_KEY.task && record.value !== null) {
      this.#task = settlerTaskCodec.decode(record.value)
      this.#hasTaskRecord = true
    } else if (!key.startsWith('!')) {
      if (record.value === null) this.#accounts.delete(key)
      else this.#accounts.set(key, accountCodec.decode(record.value))
    }
  }

  restored(inputStart: bigint): TaskRestored {
    const { partition, topics, rules } = this.#options
    if (this.#restoredAny && !this.#hasTaskRecord) {
      throw new HaltError(
        'task_record_missing',
        `${topics.nodeState}[${partition}] holds accounts but no task record.`,
        'Something deleted its newest records: restore the topic from a copy, or cut over to new topics.',
      )
    }
    const task = this.#task
    if (inputStart > BigInt(task.position)) {
      throw new HaltError(
        'input_deleted',
        `${topics.accountInbox}[${partition}] begins at ${inputStart}, the task's position is ${task.position}.`,
        'Account for the deleted records first; then write a task record with the new position.',
      )
    }
    this.#blocks = this.#openBlocks()
    this.#unloaded = new UnloadedBlocks(task.loaded_seq, task.oldest_unloaded_at, task.next_seq - 1)
    const value = inboxConfigureCodec.encode({ version: rules.version, spark_per_usd: rules.sparkPerUsd })
    return {
      position: BigInt(task.position),
      appends: task.rules_version < rules.version ? [{ key: null, value }] : [],
    }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    if (Number(batch.nextOffset) <= this.#task.position) {
      return { appends: [], position: batch.nextOffset, groupOpen: this.#blocks.groupOpen, pause: null }
    }
    const task = { ...this.#task }
    const rows = new AccountBlocks(this.#blocks)
    const touched = new Set<string>()
    const dead: DeadLetter[] = []
    let applied = 0
    let repeats = 0
    let ticked = false
    for (const record of batch.records) {
      task.now = Math.max(task.now, record.timestampMs)
      const schemaId = schemaIdOf(record.value)
      if (schemaId === SCHEMA_ID.tick) {
        ticked = true
      } else if (schemaId === SCHEMA_ID.inboxUsage && record.value !== null) {
        const usage = decodeUsage(record.value, record.offset)
        if (this.#isRepeat(task, usage, record)) {
          repeats++
        } else {
          this.#applyUsage(task, usage, rows, touched)
          applied++
        }
      } else if (schemaId === SCHEMA_ID.inboxConfigure && record.value !== null) {
        const { version, spark_per_usd } = inboxConfigureCodec.decode(record.value)
        if (version > task.rules_version) {
          task.rules_version = version
          task.spark_per_usd = spark_per_usd
        }
      } else {
        const detail = `schema id ${schemaId ?? 'none'} is not one of account.inbox`
        dead.push({ record, problems: [{ index: -1, code: 'unknown_schema', detail }] })
      }
    }
    task.position = Number(batch.nextOffset)
    const appends = await this.#write(task, dead, touched, ticked)
    this.#task = task
    this.#pending = { applied, repeats, rows, dead }
    return { appends, position: batch.nextOffset, groupOpen: this.#blocks.groupOpen, pause: null }
  }

  committed(): TaskCommitted {
    const pending = this.#pending
    this.#pending = undefined
    if (pending === undefined) return { deleteStateBefore: null }
    const { metrics, partition } = this.#options
    const { rows } = pending
    metrics.count('hivemeter_inbox_records_total', { outcome: 'applied' }, pending.applied)
    metrics.count('hivemeter_inbox_records_total', { outcome: 'repeat' }, pending.repeats)
    for (const [decision, count] of Object.entries(rows.decisions)) {
      if (count > 0) metrics.count('hivemeter_cost_decisions_total', { decision }, count)
    }
    metrics.count('hivemeter_settlements_total', {}, rows.settlements)
    metrics.count('hivemeter_settled_micro_spark_total', {}, Number(rows.microSpark))
    metrics.set('hivemeter_watermark_timestamp_seconds', { partition }, this.#task.watermark / 1000)
    for (const { problems } of pending.dead) {
      metrics.count('hivemeter_dead_letters_total', { reason: problems[0]?.code ?? 'malformed' })
    }
    return { deleteStateBefore: null }
  }

  dispose(): void {
    this.#accounts.clear()
  }

  #openBlocks(): BlockLog {
    const { topics, partition, clock } = this.#options
    return new BlockLog({ topic: topics.settlementBlocks, partition, nextSeq: this.#task.next_seq, clock })
  }

  /** The hand-over check: ranges tile, or a range was lost or made twice. */
  #isRepeat(task: SettlerTask, usage: InboxUsage, record: LogRecord): boolean {
    const { handed_offset, handed_index } = task
    if (usage.from_offset === handed_offset && usage.from_index === handed_index) return false
    const endsBefore =
      usage.to_offset < handed_offset || (usage.to_offset === handed_offset && usage.to_index <= handed_index)
    if (endsBefore) return true
    throw new HaltError(
      'hand_over_gap',
      `The inbox record at ${record.offset} covers usage from ${usage.from_offset}.${usage.from_index}, ` +
        `the last one applied ended at ${handed_offset}.${handed_index}.`,
      'Compare usage.metered with account.inbox (npm run verify) and account for the range before going on.',
    )
  }

  #applyUsage(task: SettlerTask, usage: InboxUsage, rows: AccountBlocks, touched: Set<string>): void {
    const rules: AccountRules = { version: task.rules_version, sparkPerUsd: task.spark_per_usd }
    task.watermark = Math.max(task.watermark, usage.watermark)
    for (const { node_id, operator_id, cost } of usage.entries) {
      const account = this.#account(node_id, task.now)
      touched.add(node_id)
      if (operator_id !== null) nameOperator(account, operator_id, task.now, rows)
      if (cost !== null) decideCost(account, cost, rules, task.now, rows)
    }
    for (const sum of usage.sums) {
      touched.add(sum.node_id)
      addSum(this.#account(sum.node_id, task.now), sum, task.watermark, task.now)
    }
    task.handed_offset = usage.to_offset
    task.handed_index = usage.to_index
  }

  #account(nodeId: string, nowMs: number): Account {
    let account = this.#accounts.get(nodeId)
    if (account === undefined) this.#accounts.set(nodeId, (account = openAccount(nodeId, nowMs)))
    return account
  }

  async #write(
    task: SettlerTask,
    dead: readonly DeadLetter[],
    touched: ReadonlySet<string>,
    ticked: boolean,
  ): Promise<TopicAppend[]> {
    const { topics, partition, loadedSeq } = this.#options
    for (const letter of dead) writeDeadLetter(this.#blocks, topics.accountInbox, letter, task.now)
    // The watermark of the inbox's own log; rows carry log time, so all before it plus the delay are complete.
    const completeMs = Math.max(0, task.now - WATERMARK_DELAY_MS)
    const appends = await this.#blocks.finish(completeMs, ticked, loadedSeq(partition))
    const lastSeq = this.#blocks.nextSeq - 1
    task.next_seq = this.#blocks.nextSeq
    this.#unloaded.loaded(loadedSeq(partition))
    this.#unloaded.wrote(lastSeq, task.now)
    task.loaded_seq = this.#unloaded.loadedSeq
    task.oldest_unloaded_at = this.#unloaded.oldestAt
    for (const nodeId of touched) {
      const account = this.#accounts.get(nodeId)
      if (account === undefined) continue
      appends.push({ topic: topics.nodeState, partition, key: nodeId, value: accountCodec.encode(account) })
    }
    appends.push({
      topic: topics.nodeState,
      partition,
      key: STATE_KEY.task,
      value: settlerTaskCodec.encode(task),
    })
    return appends
  }
}

/** A range that cannot be read cannot be skipped either: the next one would not begin where the last ended. */
function decodeUsage(value: Buffer, offset: bigint): InboxUsage {
  try {
    return inboxUsageCodec.decode(value)
  } catch (error) {
    throw new HaltError(
      'inbox_malformed',
      `The inbox record at ${offset} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`,
      'Find out what wrote it; account for the range that it stands for before going on.',
    )
  }
}
