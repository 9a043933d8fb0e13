import { accountCodec, inboxConfigureCodec, settlerTaskCodec, STATE_KEY } from '../../schemas/avro.ts'
import { commandOutcomeCodec } from '../../schemas/commands/outcome.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import type { Account, SettlerTask } from '../../schemas/records.ts'
import { DECISION_NAMES, REWARD_KINDS } from '../../schemas/tables.ts'
import { WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { Clock } from '../clock.ts'
import type { DecidePoint } from '../failpoints.ts'
import type { LogRecord, TopicAppend } from '../log/records.ts'
import { isOfRecords, UndecidedError } from '../task/undecided.ts'
import { TaskLedger } from '../task/ledger.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../task/task.ts'
import { writeDeadLetter } from '../blocks/dead-letter.ts'
import type { StoreGate } from '../blocks/store-gate.ts'
import { AccountBlocks } from './blocks.ts'
import { HeartbeatMemory } from './heartbeat-memory.ts'
import { INBOX_OUTCOMES, InboxBatch } from './inbox.ts'
import { Outcomes } from './outcomes.ts'
import { RULES_DEFAULT } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { SECOND_MS } from '../../schemas/units.ts'

export interface SettlerOptions {
  readonly partition: number
  readonly topics: {
    readonly accountInbox: string
    readonly nodeState: string
    readonly settlementBlocks: string
  }
  /** The rules from the settings of this process: appended to the inbox where the task has a lower version. */
  readonly rules: AccountRules
  readonly loadedSeq: (partition: number) => number
  /** Opened for each restore: nothing is decided before the gate lets the task pass. */
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
  readonly #ledger: TaskLedger<SettlerTask>
  #rules: AccountRules = RULES_DEFAULT
  #pending: { readonly batch: InboxBatch; readonly rows: AccountBlocks } | undefined

  constructor(options: SettlerOptions) {
    this.#options = options
    const { topics } = options
    this.#ledger = new TaskLedger({
      ...options,
      inputTopic: topics.accountInbox,
      stateTopic: topics.nodeState,
      blockTopic: topics.settlementBlocks,
      holds: 'accounts',
      codec: settlerTaskCodec,
      first: newTask(),
      watermarkMsOf: completeMs,
    })
  }

  restore(record: LogRecord): void {
    const key = record.key?.toString('latin1')
    if (this.#ledger.restore(record) || key === undefined) return
    if (key.startsWith(STATE_KEY.commands)) {
      if (record.value === null) this.#outcomes.delete(key)
      else this.#outcomes.set(key, commandOutcomeCodec.decode(record.value))
    } else if (key.startsWith(STATE_KEY.heartbeats)) {
      this.#heartbeats.restore(key, record.value)
    } else if (!key.startsWith('!')) {
      if (record.value === null) this.#accounts.delete(key)
      else this.#accounts.set(key, restoredAccount(record.value))
    }
  }

  restored(inputStart: bigint): TaskRestored {
    const { rules } = this.#options
    const position = this.#ledger.restored(inputStart)
    this.#showAccounts()
    const { task } = this.#ledger
    if (task.rules !== null) this.#rules = inboxConfigureCodec.decode(task.rules)
    return {
      position,
      decidedTo: BigInt(task.position),
      appends:
        this.#rules.version < rules.version ? [{ key: null, value: inboxConfigureCodec.encode(rules) }] : [],
      note: null,
    }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    const undecided = await this.#ledger.passes(batch)
    if (undecided !== null) return undecided
    const { blocks } = this.#ledger
    if (Number(batch.nextOffset) <= this.#ledger.task.position)
      return this.#ledger.tookAgain(batch.nextOffset)
    const task = { ...this.#ledger.task }
    const rows = new AccountBlocks(blocks)
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
    this.#ledger.decided(task)
    this.#rules = parts.rules
    this.#pending = { batch: inbox, rows }
    return { appends, position, groupOpen: blocks.groupOpen, pause: null }
  }

  /** Takes in the records, up to one that ends the partition. Returns the position after them. */
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
    this.#ledger.blocks.acknowledged(offsets)
    if (pending === undefined) return { deleteStateBefore: null }
    const { metrics, partition, topics } = this.#options
    const { rows, batch } = pending
    this.#showAccounts()
    for (const outcome of INBOX_OUTCOMES) {
      if (batch.counts[outcome] > 0)
        metrics.count('hivemeter_inbox_records_total', { outcome }, batch.counts[outcome])
    }
    for (const decision of DECISION_NAMES) {
      const count = rows.decisions[decision]
      if (count > 0) metrics.count('hivemeter_cost_decisions_total', { decision }, count)
    }
    for (const kind of REWARD_KINDS) {
      if (rows.rewards[kind] > 0) metrics.count('hivemeter_rewards_total', { kind }, rows.rewards[kind])
    }
    for (const [kind, count] of rows.anomalies) metrics.count('hivemeter_anomalies_total', { kind }, count)
    metrics.count('hivemeter_settlements_total', {}, rows.settlements)
    metrics.count('hivemeter_settled_micro_spark_total', {}, Number(rows.settledMicroSpark))
    const place = { topic: topics.accountInbox, partition }
    metrics.set('hivemeter_watermark_timestamp_seconds', place, this.#ledger.task.watermark / SECOND_MS)
    for (const { problems } of batch.dead) {
      metrics.count('hivemeter_dead_letters_total', { reason: problems[0]?.code ?? 'malformed' })
    }
    return { deleteStateBefore: null }
  }

  dispose(): void {
    this.#accounts.clear()
    this.#showAccounts()
  }

  #showAccounts(): void {
    const { metrics, partition } = this.#options
    metrics.set('hivemeter_accounts', { partition }, this.#accounts.size)
  }

  async #write(task: SettlerTask, batch: InboxBatch): Promise<TopicAppend[]> {
    const { topics, partition } = this.#options
    const { blocks } = this.#ledger
    for (const letter of batch.dead) writeDeadLetter(blocks, topics.accountInbox, letter, task.now)
    const endGroup = batch.ticked || task.ended
    const appends = await this.#ledger.finish(task, { logTimeMs: task.now, endGroup })
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
    // These come after the accounts: a reader that sees an outcome can see what it did.
    for (const { key, outcome } of batch.outcomes) {
      appends.push(state(key, outcome === null ? null : commandOutcomeCodec.encode(outcome)))
    }
    appends.push(this.#ledger.record(task))
    return appends
  }
}

function newTask(): SettlerTask {
  return {
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
}

/** The watermark of the inbox's own log. Rows carry log time, so everything before it is complete after the delay. */
function completeMs({ now }: SettlerTask): number {
  return Math.max(0, now - WATERMARK_DELAY_MS)
}

function restoredAccount(value: Buffer): Account {
  const account = accountCodec.decode(value)
  account.heartbeat_hashes = ownBytes(account.heartbeat_hashes)
  account.uptime = ownBytes(account.uptime)
  return account
}
