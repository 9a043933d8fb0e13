import {
  accountCodec,
  inboxConfigureCodec,
  outcomeCodec,
  settlerTaskCodec,
  STATE_KEY,
} from '../../schemas/avro.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import type { Account, SettlerTask } from '../../schemas/records.ts'
import { REWARD_KINDS } from '../../schemas/tables.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { Clock } from '../clock.ts'
import type { DecidePoint } from '../failpoints.ts'
import type { LogRecord, TopicAppend } from '../kafka/records.ts'
import { isOfRecords, outside, UndecidedError } from '../kafka/undecided.ts'
import { inputDeleted, rulesFrom, taskRecordMissing } from '../kafka/restore-halts.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../kafka/task.ts'
import { BlockLog } from '../load/block-log.ts'
import type { TaskMark } from '../load/fit.ts'
import { writeDeadLetter } from '../load/dead-letter.ts'
import type { StoreGate } from '../load/store-gate.ts'
import { UnloadedBlocks } from '../load/unloaded.ts'
import { AccountBlocks } from './blocks.ts'
import { HeartbeatMemory } from './heartbeat-memory.ts'
import { INBOX_OUTCOMES, InboxBatch } from './inbox.ts'
import { Outcomes } from './outcomes.ts'
import { RULES_DEFAULT } from './rules.ts'
import type { AccountRules } from './rules.ts'

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
  /** Opened for each restore: nothing is decided before it lets the task pass. */
  readonly gate: StoreGate
  /** What an end record must carry to end this version of the topics; null while none ends. */
  readonly endToken?: () => Buffer | null
  readonly decidePoint?: DecidePoint | undefined
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The settler's task: the only writer of its nodes' accounts. See the design, sections 2 and 6. */
export class SettlerState implements TaskState {
  readonly #options: SettlerOptions
  readonly #accounts = new Map<string, Account>()
  readonly #outcomes = new Outcomes()
  readonly #heartbeats = new HeartbeatMemory()
  #task: SettlerTask
  #rules: AccountRules = RULES_DEFAULT
  #restoredAny = false
  #hasTaskRecord = false
  #blocks: BlockLog
  #unloaded = new UnloadedBlocks(0, null, 0)
  #pending: { readonly batch: InboxBatch; readonly rows: AccountBlocks } | undefined

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#task = {
      position: 0,
      next_seq: 1,
      now: 0,
      watermark: 0,
      handed_offset: 0,
      handed_index: 0,
      rules: null,
      loaded_seq: 0,
      oldest_unloaded_at: null,
      ended: false,
      since: [],
    }
    this.#blocks = this.#openBlocks()
  }

  restore(record: LogRecord): void {
    const key = record.key?.toString('latin1')
    if (key === STATE_KEY.fence) this.#options.gate.fencedAt(record.timestampMs)
    if (key === undefined || key === STATE_KEY.fence) return
    this.#restoredAny = true
    if (key === STATE_KEY.task && record.value !== null) {
      this.#task = settlerTaskCodec.decode(record.value)
      this.#options.gate.recordedAt(record.timestampMs)
      this.#hasTaskRecord = true
    } else if (key.startsWith(STATE_KEY.commands)) {
      if (record.value === null) this.#outcomes.delete(key)
      else this.#outcomes.set(key, outcomeCodec.decode(record.value))
    } else if (key.startsWith(STATE_KEY.heartbeats)) {
      this.#heartbeats.restore(key, record.value)
    } else if (!key.startsWith('!')) {
      if (record.value === null) this.#accounts.delete(key)
      else this.#accounts.set(key, restoredAccount(record.value))
    }
  }

  restored(inputStart: bigint): TaskRestored {
    const { partition, topics, rules } = this.#options
    if (this.#restoredAny && !this.#hasTaskRecord) {
      throw taskRecordMissing(`${topics.nodeState}[${partition}]`, 'accounts')
    }
    const task = this.#task
    if (inputStart > BigInt(task.position)) {
      throw inputDeleted(`${topics.accountInbox}[${partition}]`, inputStart, task.position)
    }
    task.since = rulesFrom(`${topics.nodeState}[${partition}]`, task.since, task.position)
    if (task.rules !== null) this.#rules = inboxConfigureCodec.decode(task.rules)
    this.#blocks = this.#openBlocks()
    this.#unloaded = new UnloadedBlocks(task.loaded_seq, task.oldest_unloaded_at, task.next_seq - 1)
    return {
      position: BigInt(task.position),
      appends:
        this.#rules.version < rules.version ? [{ key: null, value: inboxConfigureCodec.encode(rules) }] : [],
      note: null,
    }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    const { gate } = this.#options
    if (!gate.isOpen && !(await outside(gate.pass(this.#mark())))) {
      const position = BigInt(this.#task.position)
      return { appends: [], position, groupOpen: this.#blocks.groupOpen, pause: 'clickhouse_not_asked' }
    }
    if (this.#task.ended) return { appends: [], position: batch.nextOffset, groupOpen: false, pause: null }
    if (Number(batch.nextOffset) <= this.#task.position) {
      return { appends: [], position: batch.nextOffset, groupOpen: this.#blocks.groupOpen, pause: null }
    }
    const task = { ...this.#task }
    const rows = new AccountBlocks(this.#blocks)
    const parts = {
      task,
      accounts: this.#accounts,
      outcomes: this.#outcomes,
      heartbeats: this.#heartbeats,
      rows,
      rules: this.#rules,
      endToken: this.#options.endToken,
      decidePoint: this.#options.decidePoint,
    }
    const inbox = new InboxBatch(parts)
    const position = this.#take(inbox, batch, task)
    inbox.forgetDue()
    task.position = Number(position)
    const appends = await this.#write(task, inbox)
    this.#task = task
    this.#rules = parts.rules
    this.#pending = { batch: inbox, rows }
    return { appends, position, groupOpen: this.#blocks.groupOpen, pause: null }
  }

  /** Takes the records in, up to one that ends the partition; returns the position behind them. */
  #take(inbox: InboxBatch, { records, nextOffset, setAside }: TaskBatch, task: SettlerTask): bigint {
    const { topics, partition } = this.#options
    for (const record of records) {
      const aside = setAside?.find(({ offset }) => offset === record.offset)
      try {
        if (aside === undefined) inbox.apply(record)
        else inbox.setAside(record, aside, `${topics.accountInbox}[${partition}] at offset ${record.offset}`)
      } catch (error) {
        throw isOfRecords(error) ? new UndecidedError(record.offset, null, error) : error
      }
      if (task.ended) return record.offset + 1n
    }
    return nextOffset
  }

  committed(offsets: readonly bigint[]): TaskCommitted {
    const pending = this.#pending
    this.#pending = undefined
    this.#blocks.acknowledged(offsets)
    if (pending === undefined) return { deleteStateBefore: null }
    const { metrics, partition } = this.#options
    const { rows, batch } = pending
    for (const outcome of INBOX_OUTCOMES) {
      if (batch.counts[outcome] > 0)
        metrics.count('hivemeter_inbox_records_total', { outcome }, batch.counts[outcome])
    }
    for (const [decision, count] of Object.entries(rows.decisions)) {
      if (count > 0) metrics.count('hivemeter_cost_decisions_total', { decision }, count)
    }
    for (const kind of REWARD_KINDS) {
      if (rows.rewards[kind] > 0) metrics.count('hivemeter_rewards_total', { kind }, rows.rewards[kind])
    }
    for (const [kind, count] of rows.anomalies) metrics.count('hivemeter_anomalies_total', { kind }, count)
    metrics.count('hivemeter_settlements_total', {}, rows.settlements)
    metrics.count('hivemeter_settled_micro_spark_total', {}, Number(rows.settledMicroSpark))
    metrics.set('hivemeter_watermark_timestamp_seconds', { partition }, this.#task.watermark / 1000)
    for (const { problems } of batch.dead) {
      metrics.count('hivemeter_dead_letters_total', { reason: problems[0]?.code ?? 'malformed' })
    }
    return { deleteStateBefore: null }
  }

  dispose(): void {
    this.#accounts.clear()
  }

  #openBlocks(): BlockLog {
    const { topics, partition, clock } = this.#options
    const { next_seq: nextSeq } = this.#task
    return new BlockLog({ topic: topics.settlementBlocks, partition, nextSeq, clock, after: this.#mark() })
  }

  #mark(): TaskMark {
    const { next_seq, position } = this.#task
    return { lastSeq: next_seq - 1, position, watermarkMs: completeMs(this.#task) }
  }

  async #write(task: SettlerTask, batch: InboxBatch): Promise<TopicAppend[]> {
    const { topics, partition, loadedSeq } = this.#options
    for (const letter of batch.dead) writeDeadLetter(this.#blocks, topics.accountInbox, letter, task.now)
    const end = { position: task.position, watermarkMs: completeMs(task) }
    const appends = await this.#blocks.finish(end, batch.ticked || task.ended, loadedSeq(partition))
    const lastSeq = this.#blocks.nextSeq - 1
    task.next_seq = this.#blocks.nextSeq
    this.#unloaded.loaded(loadedSeq(partition))
    this.#unloaded.wrote(lastSeq, task.now)
    task.loaded_seq = this.#unloaded.loadedSeq
    task.oldest_unloaded_at = this.#unloaded.oldestAt
    const state = (key: string, value: Buffer | null): TopicAppend => ({
      topic: topics.nodeState,
      partition,
      key,
      value,
    })
    for (const [nodeId, versionBefore] of batch.touched) {
      const account = this.#accounts.get(nodeId)
      if (account !== undefined && account.version > versionBefore)
        appends.push(state(nodeId, accountCodec.encode(account)))
    }
    for (const { key, value } of this.#heartbeats.changes()) appends.push(state(key, value))
    // Behind the accounts: whoever sees an outcome can see what it did.
    for (const { key, outcome } of batch.outcomes) {
      appends.push(state(key, outcome === null ? null : outcomeCodec.encode(outcome)))
    }
    appends.push(state(STATE_KEY.task, settlerTaskCodec.encode(task)))
    return appends
  }
}

/** The watermark of the inbox's own log; rows carry log time, so all before it plus the delay are complete. */
function completeMs({ now }: SettlerTask): number {
  return Math.max(0, now - WATERMARK_DELAY_MS)
}

function restoredAccount(value: Buffer): Account {
  const account = accountCodec.decode(value)
  account.heartbeat_hashes = ownBytes(account.heartbeat_hashes)
  account.uptime = ownBytes(account.uptime)
  return account
}
