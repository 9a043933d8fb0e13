import type { LetterCode } from '../../schemas/reasons.ts'
import {
  SCHEMA_ID,
  inboxAuditCodec,
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
  inboxUsageCodec,
  isReservedKey,
} from '../../schemas/avro.ts'
import type { Codec } from '../../schemas/avro.ts'
import type { CommandOutcome, Ending } from '../../schemas/commands/outcome.ts'
import type {
  Account,
  InboxAudit,
  InboxCommand,
  InboxHeartbeat,
  InboxUsage,
  SettlerTask,
} from '../../schemas/records.ts'
import { RULES, rulesAt } from '../../schemas/since.ts'
import { isEnd } from '../log/end.ts'
import { isTick, NO_TICK } from '../log/tick.ts'
import { CANNOT_BE_UNPACKED, HaltError, schemaOf, unreadableDetail } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import type { DecidePoint } from '../failpoints.ts'
import { CANNOT_BE_DECIDED, cannotBeDecided } from '../task/undecided.ts'
import type { SetAside } from '../task/undecided.ts'
import type { DeadLetter } from '../blocks/dead-letter.ts'
import { addSum, openAccount } from './account.ts'
import type { AccountBlocks } from './blocks.ts'
import { applyCommand, opensAccount, tooManyCommands, unknownNode } from './commands.ts'
import type { Decided } from './commands.ts'
import { decideCost } from './decide.ts'
import { applyHeartbeat } from './heartbeat.ts'
import type { HeartbeatMemory } from './heartbeat-memory.ts'
import { auditFault, commandFault, configureFault, heartbeatFault } from './inbox-bounds.ts'
import { nameOperatorNoted, noteSeen } from './noted.ts'
import { outcomeKey } from './outcomes.ts'
import type { Outcomes } from './outcomes.ts'
import type { AccountRules } from './rules.ts'
import { DAY_MS } from '../../schemas/units.ts'

/** What a batch of the inbox is applied to. All of it is changed in place. */
export interface InboxParts {
  readonly task: SettlerTask
  readonly accounts: Map<string, Account>
  readonly outcomes: Outcomes
  readonly heartbeats: HeartbeatMemory
  readonly rows: AccountBlocks
  rules: AccountRules
  readonly endToken?: (() => Buffer | null) | undefined
  readonly decidePoint?: DecidePoint | undefined
}

/** What a record of the inbox can turn out to be; those that are set aside are counted as dead letters. */
export const INBOX_OUTCOMES = ['applied', 'repeat', 'command', 'heartbeat', 'audit'] as const

/** What one batch did, for its transaction and its metrics. */
export class InboxBatch {
  /** Accounts that were read, each with the version that it had before. */
  readonly touched = new Map<string, number>()
  /**
   * Outcomes and tombstones in their order: a caller that waits for an outcome sees it even if it is removed in the same
   * batch.
   */
  readonly outcomes: { readonly key: string; readonly outcome: CommandOutcome | null }[] = []
  readonly dead: DeadLetter[] = []
  readonly counts = { applied: 0, repeat: 0, command: 0, heartbeat: 0, audit: 0 }
  ticked = false
  readonly #parts: InboxParts

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  /** Takes in the next record. Throws HaltError where going on would be a guess. */
  apply(record: LogRecord): void {
    const { task, endToken } = this.#parts
    task.now = Math.max(task.now, record.timestampMs)
    if (isEnd(record, endToken)) {
      task.ended = true
      return
    }
    const unreadable = unreadableDetail(record)
    if (unreadable !== null) {
      this.#setAside(record, CANNOT_BE_UNPACKED, unreadable)
      return
    }
    switch (schemaOf(record)) {
      case SCHEMA_ID.tick:
        if (isTick(record, rulesAt(task.since, record.offset))) this.ticked = true
        else this.#setAside(record, 'malformed', NO_TICK)
        break
      case SCHEMA_ID.inboxUsage:
      case SCHEMA_ID.inboxUsageV1:
      case SCHEMA_ID.inboxUsageV2:
        this.#usage(decodeUsage(record), record)
        break
      case SCHEMA_ID.inboxCommand:
      case SCHEMA_ID.inboxCommandV1:
      case SCHEMA_ID.inboxCommandV2:
        this.#withBody(record, inboxCommandCodec, (command) => this.#command(command, record))
        break
      case SCHEMA_ID.inboxHeartbeat:
        this.#withBody(record, inboxHeartbeatCodec, (heartbeat) => this.#heartbeat(heartbeat, record))
        break
      case SCHEMA_ID.inboxAudit:
        this.#withBody(record, inboxAuditCodec, (seen) => this.#seen(seen, record))
        break
      case SCHEMA_ID.inboxConfigure:
      case SCHEMA_ID.inboxConfigureV1:
      case SCHEMA_ID.inboxConfigureV2:
        this.#configure(record)
        break
      default:
        this.#setAside(record, 'unknown_schema', 'the record has none of the schemas of account.inbox')
    }
  }

  /**
   * Sets aside a record that `decide` fails at again and again. Only a record that requests something by itself can be
   * set aside: more depends on a range, a configuration, a tick or an end than the record alone. `place` names the record
   * to a person.
   */
  setAside(record: LogRecord, { detail }: SetAside, place: string): void {
    const { task, endToken } = this.#parts
    task.now = Math.max(task.now, record.timestampMs)
    const schemaId = schemaOf(record)
    const mustBeDecided = isTick(record, RULES) || isEnd(record, endToken) || NEVER_SET_ASIDE.has(schemaId)
    if (mustBeDecided) throw cannotBeDecided(place, detail)
    if (inboxCommandCodec.schemaIds.includes(schemaId)) {
      this.#withBody(record, inboxCommandCodec, (command) => this.#refuseUndecided(command, record, detail))
    } else {
      this.#setAside(record, CANNOT_BE_DECIDED, detail)
    }
  }

  /** Runs after the last record: forgets outcomes whose day is over, and heartbeats whose hour is over. */
  forgetDue(): void {
    const { outcomes, heartbeats, task } = this.#parts
    for (const key of outcomes.forgetDue(task.now)) this.outcomes.push({ key, outcome: null })
    heartbeats.forgetDue(task.now)
  }

  /** The check of the hand-over: ranges tile, or a range was lost or made twice. */
  #isRepeat(usage: InboxUsage, record: LogRecord): boolean {
    const { handed_offset, handed_index } = this.#parts.task
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

  #usage(usage: InboxUsage, record: LogRecord): void {
    if (this.#isRepeat(usage, record)) {
      this.counts.repeat++
      return
    }
    const { task, rows, rules } = this.#parts
    task.watermark = Math.max(task.watermark, usage.watermark)
    for (const { node_id, operator_id, cost } of usage.entries) {
      const account = this.#open(node_id)
      if (operator_id !== null) nameOperatorNoted(account, operator_id, 'event', task.now, rows)
      if (cost === null) continue
      const used = decideCost(account, cost, rules, task.now, rows)
      if (used !== null) this.#forget(outcomeKey(node_id, used.command_id))
    }
    for (const sum of usage.sums) addSum(this.#open(sum.node_id), sum, task.watermark, task.now)
    task.handed_offset = usage.to_offset
    task.handed_index = usage.to_index
    this.counts.applied++
  }

  #configure(record: LogRecord): void {
    this.#withBody(record, inboxConfigureCodec, (configure) => {
      const fault = configureFault(configure)
      if (fault !== null) return this.#setAside(record, 'malformed', fault)
      if (configure.version <= this.#parts.rules.version) return
      this.#parts.rules = configure
      this.#parts.task.rules = inboxConfigureCodec.encode(configure)
    })
  }

  #heartbeat(heartbeat: InboxHeartbeat, record: LogRecord): void {
    if (isReservedKey(heartbeat.node_id)) return this.#setAside(record, 'malformed', RESERVED_NAME)
    const fault = heartbeatFault(heartbeat)
    if (fault !== null) return this.#setAside(record, 'malformed', fault)
    const { task, rows, rules, heartbeats, decidePoint } = this.#parts
    decidePoint?.(`${heartbeat.node_id}/${heartbeat.heartbeat_hash.toString('hex')}`)
    const account = this.#open(heartbeat.node_id)
    const taken = applyHeartbeat(account, heartbeat, rules, task.now, rows, heartbeats)
    if (taken === 'too_many') rows.anomaly('too_many_heartbeats')
    this.counts.heartbeat++
  }

  #seen(seen: InboxAudit, record: LogRecord): void {
    const fault = auditFault(seen)
    if (fault !== null) return this.#setAside(record, 'malformed', fault)
    noteSeen(seen, this.#parts.task.now, this.#parts.rows)
    this.counts.audit++
  }

  /** A repeat gets the outcome of the first time. It is written once more, so that a caller that waits for it sees it. */
  #command(command: InboxCommand, record: LogRecord): void {
    const { outcomes, rows, task } = this.#parts
    if (isReservedKey(command.node_id)) return this.#setAside(record, 'malformed', RESERVED_NAME)
    const fault = commandFault(command)
    if (fault !== null) return this.#setAside(record, 'malformed', fault)
    this.counts.command++
    const key = outcomeKey(command.node_id, command.command_id)
    const known = outcomes.of(key, task.now) ?? this.#ofBefore(command, key)
    if (known !== undefined) {
      this.outcomes.push({ key, outcome: known })
      return
    }
    this.#parts.decidePoint?.(`${command.node_id}/${command.command_id}`)
    const isFull = isCounted(command) && outcomes.isFull(command.node_id, { ...command, ...DONE }, task.now)
    const decided = isFull ? tooManyCommands() : this.#decide(command)
    if (decided.closed !== null) this.#forget(outcomeKey(command.node_id, decided.closed))
    const outcome: CommandOutcome = {
      ...decided.ending,
      body_hash: command.body_hash,
      account_version: this.#parts.accounts.get(command.node_id)?.version ?? 0,
      ...this.#keptOf(command, decided),
      caller: command.caller,
      by_admin: command.by_admin,
    }
    outcomes.set(key, outcome)
    this.outcomes.push({ key, outcome })
    rows.audited({ command, outcome, changes: JSON.stringify(decided.changes), atMs: task.now })
  }

  /**
   * How long a repeat gets the same answer. A release is never refused because there are too many, or else what it gives
   * back would stay reserved: a release without a place among the outcomes of a day is remembered for one minute, within
   * which a client that got no answer sends it again.
   */
  #keptOf(
    command: InboxCommand,
    { ending, keptUntilMs }: Decided,
  ): Pick<CommandOutcome, 'until' | 'is_counted'> {
    const { outcomes, task } = this.#parts
    if (command.kind === 'release') {
      const hasPlace = !outcomes.isFull(command.node_id, { ...command, ...ending }, task.now)
      return { until: hasPlace ? task.now + DAY_MS : task.now, is_counted: hasPlace }
    }
    const isRefused = ending.become === 'refused'
    const forTheMinute = command.kind === 'reserve' && isRefused
    const until = keptUntilMs ?? (forTheMinute ? task.now : task.now + DAY_MS)
    const isOneTooMany = isRefused && ending.code === 'too_many_commands'
    return { until, is_counted: !isOneTooMany && isCounted(command) }
  }

  /**
   * The outcome that the same request had under the id that an earlier version gave it. Only such versions wrote outcomes
   * there, so none is left a day after the upgrade. It is kept under the id of today as well, where it counts for
   * nothing.
   */
  #ofBefore({ node_id, older_id }: InboxCommand, key: string): CommandOutcome | undefined {
    if (older_id === null) return undefined
    const { outcomes, task } = this.#parts
    const found = outcomes.of(outcomeKey(node_id, older_id), task.now)
    if (found === undefined) return undefined
    const same = { ...found, is_counted: false }
    outcomes.set(key, same)
    return same
  }

  /** The caller that waits for the command is informed; the dead letter takes the place of the audit's row. */
  #refuseUndecided(command: InboxCommand, record: LogRecord, detail: string): void {
    const { outcomes, accounts, task } = this.#parts
    this.#setAside(record, CANNOT_BE_DECIDED, detail)
    const key = outcomeKey(command.node_id, command.command_id)
    const outcome: CommandOutcome = outcomes.of(key, task.now) ?? {
      ...UNDECIDED,
      body_hash: command.body_hash,
      account_version: accounts.get(command.node_id)?.version ?? 0,
      until: task.now + DAY_MS,
      is_counted: isCounted(command),
      caller: command.caller,
      by_admin: command.by_admin,
    }
    outcomes.set(key, outcome)
    this.outcomes.push({ key, outcome })
  }

  #decide(command: InboxCommand): Decided {
    const { accounts, task, rules, rows } = this.#parts
    const nowMs = task.now
    if (!accounts.has(command.node_id)) {
      if (!opensAccount(command)) return unknownNode(command.node_id)
      // A refused command creates no node either.
      const account = openAccount(command.node_id, nowMs)
      const decided = applyCommand({ account, command, rules, nowMs, rows })
      if (decided.ending.become !== 'refused') {
        accounts.set(command.node_id, account)
        this.touched.set(command.node_id, 0)
      }
      return decided
    }
    return applyCommand({ account: this.#open(command.node_id), command, rules, nowMs, rows })
  }

  #open(nodeId: string): Account {
    const { accounts, task } = this.#parts
    let account = accounts.get(nodeId)
    // The last check: under such a key the account would replace a record of the task itself.
    if (isReservedKey(nodeId))
      throw new HaltError(
        'inbox_malformed',
        `A range of account.inbox names ${nodeId}: ${RESERVED_NAME}.`,
        REMEDY,
      )
    if (account === undefined) accounts.set(nodeId, (account = openAccount(nodeId, task.now)))
    if (!this.touched.has(nodeId)) this.touched.set(nodeId, account.version)
    return account
  }

  #forget(key: string): void {
    if (this.#parts.outcomes.delete(key)) this.outcomes.push({ key, outcome: null })
  }

  #withBody<T>(record: LogRecord, codec: Codec<T>, take: (body: T) => void): void {
    let body: T
    try {
      body = codec.decode(record.value as Buffer)
    } catch (error) {
      this.#setAside(record, 'malformed', error instanceof Error ? error.message : String(error))
      return
    }
    take(body)
  }

  #setAside(record: LogRecord, code: LetterCode, detail: string): void {
    this.dead.push({ record, problems: [{ index: -1, code, detail }] })
  }
}

const NEVER_SET_ASIDE: ReadonlySet<number | null> = new Set([
  ...inboxUsageCodec.schemaIds,
  ...inboxConfigureCodec.schemaIds,
])

/** What every write but a release is counted as, before it is decided. */
const DONE = { become: 'done' } as const

/** Reservations are bounded by the number of open reservations, and releases are not refused. */
function isCounted({ kind }: InboxCommand): boolean {
  return kind !== 'reserve' && kind !== 'release'
}

const UNDECIDED: Ending = {
  become: 'refused',
  code: CANNOT_BE_DECIDED,
  detail: 'This write cannot be decided; it was set aside, and nothing was changed.',
}

const RESERVED_NAME = 'no node can be called so: the key belongs to the task'

const REMEDY = 'Find out what wrote it; account for the range that it stands for before going on.'

/** A range that cannot be read cannot be skipped either: the next one would not begin where the last one ended. */
function decodeUsage({ value, offset }: LogRecord): InboxUsage {
  try {
    return inboxUsageCodec.decode(value as Buffer)
  } catch (error) {
    throw new HaltError(
      'inbox_malformed',
      `The inbox record at ${offset} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`,
      REMEDY,
    )
  }
}
