import {
  SCHEMA_ID,
  inboxAuditCodec,
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
  inboxUsageCodec,
  isReservedKey,
  schemaIdOf,
} from '../../../schemas/avro.ts'
import type { InboxCommand, InboxUsage } from '../../../schemas/records.ts'
import { isSettingValue } from '../../../schemas/settings.ts'
import { rulesAt } from '../../../schemas/since.ts'
import type { Since } from '../../../schemas/since.ts'
import type { SetAside } from '../dead-letters.ts'
import { HandedRanges } from '../hand-over.ts'
import { NodeTotalSums } from '../node-totals.ts'
import type { SourceRecord } from '../source.ts'
import { isTick } from '../ticks.ts'
import { CANNOT_BE_DECIDED, NOTHING_UNDECIDED, undecidedOf } from '../undecided.ts'
import type { Undecided } from '../undecided.ts'
import { arePossibleRules, isPossibleAudit, isPossibleCommand, isPossibleHeartbeat } from './bounds.ts'
import { carriedAccount, carriedOutcome, carriedTotals } from './carried.ts'
import type { Carried } from './carried.ts'
import { isCountedCommand, makesNode, refusal, requestJson, takeCommand } from './commands.ts'
import type { Ended } from './commands.ts'
import { takeHeartbeat } from './contact.ts'
import { decide } from './costs.ts'
import { ModelOutcomes } from './outcomes.ts'
import type { ModelOutcome } from './outcomes.ts'
import { nameFirstOperator } from './payments.ts'
import { ModelRows, canonicalJson } from './rows.ts'
import { RULES_AT_FIRST, rulesOf } from './rules.ts'
import type { ModelRules } from './rules.ts'
import { newAccount } from './state.ts'
import type { ModelAccount, Moment } from './state.ts'

const DAY_MS = 86_400_000

/** The first rules by which requests and rules out of their bounds are set aside, and what nodes earn is capped. */
const BOUNDED = 2

/** The first rules by which operators are confirmed, and by which the audit records more than commands. */
const CONFIRMS = 3
const NOTED = 3

/** The first rules by which the result of a release is known for a day, as long as there is a place for it. */
const RELEASES_KEPT = 3

const isCommand = (schemaId: number | null): boolean => inboxCommandCodec.schemaIds.includes(schemaId)

/** Rows, outcomes and accounts that one partition of account.inbox leads to, in its order. */
export class AccountModel {
  readonly accounts = new Map<string, ModelAccount>()
  readonly totals = new NodeTotalSums()
  /** The record that ended the partition, where one did. */
  endOffset: bigint | null = null
  /** The offsets from which the task judged by which rules. */
  since: readonly Since[] = []
  /** What the task could not decide. */
  undecided: Undecided = NOTHING_UNDECIDED
  readonly rows = new ModelRows()
  readonly outcomes = new ModelOutcomes()
  readonly setAside: SetAside[] = []
  readonly #handed: HandedRanges
  #rules: ModelRules
  #nowMs = 0
  #watermarkMs = 0

  private constructor(rules: ModelRules, isWhole: boolean) {
    this.#rules = rules
    this.#handed = new HandedRanges(isWhole)
  }

  /** The model of an inbox that is whole. */
  static fromZero(): AccountModel {
    return new AccountModel(RULES_AT_FIRST, true)
  }

  /** The model of an inbox whose beginning was deleted. `rules` are those that the log no longer holds. */
  static fromTheMiddle(rules: Buffer | null): AccountModel {
    const known = rules === null ? RULES_AT_FIRST : rulesOf(inboxConfigureCodec.decode(rules))
    return new AccountModel(known, false)
  }

  /** The model of an inbox that continues where another version of the topics ended. */
  static continued(carried: Carried): AccountModel {
    const rules = carried.rules === null ? RULES_AT_FIRST : rulesOf(inboxConfigureCodec.decode(carried.rules))
    const model = new AccountModel(rules, true)
    model.#nowMs = carried.nowMs
    model.#watermarkMs = carried.watermarkMs
    for (const account of carried.accounts.values()) {
      model.accounts.set(account.node_id, carriedAccount(account, carried.heartbeats.get(account.node_id)))
      model.totals.add(account.node_id, carriedTotals(account))
    }
    for (const [key, outcome] of carried.outcomes) model.outcomes.set(key, carriedOutcome(key, outcome))
    return model
  }

  /** Takes the next record; throws BrokenHandOver. */
  apply(record: SourceRecord): void {
    this.#nowMs = Math.max(this.#nowMs, record.timestampMs)
    const { value } = record
    if (record.unreadable !== undefined) return this.#setAside(record, 'cannot_be_unpacked')
    if (value === null) return this.#setAside(record, 'unknown_schema')
    if (schemaIdOf(value) === SCHEMA_ID.end && record.offset === this.endOffset) return
    if (undecidedOf(this.undecided, record) !== null) return this.#cannotBeDecided(record, value)
    switch (schemaIdOf(value)) {
      case SCHEMA_ID.tick:
        return isTick(record, this.since) ? undefined : this.#setAside(record, 'malformed')
      case SCHEMA_ID.inboxUsage:
      case SCHEMA_ID.inboxUsageV1:
      case SCHEMA_ID.inboxUsageV2:
        return this.#usage(inboxUsageCodec.decode(value), record)
      case SCHEMA_ID.inboxConfigure:
      case SCHEMA_ID.inboxConfigureV1:
      case SCHEMA_ID.inboxConfigureV2:
        return this.#decoded(record, () => this.#configure(value, record))
      case SCHEMA_ID.inboxAudit:
        if (!this.#isNoted(record)) return this.#setAside(record, 'unknown_schema')
        return this.#decoded(record, () => this.#seen(value))
      case SCHEMA_ID.inboxHeartbeat:
        return this.#decoded(record, () => this.#heartbeat(value, record))
      case SCHEMA_ID.inboxCommand:
      case SCHEMA_ID.inboxCommandV1:
      case SCHEMA_ID.inboxCommandV2:
        return this.#decoded(record, () => this.#command(value, record))
      default:
        return this.#setAside(record, 'unknown_schema')
    }
  }

  /** The record changed nothing; for a command the caller got an outcome with this code. */
  #cannotBeDecided(record: SourceRecord, value: Buffer): void {
    if (isCommand(schemaIdOf(value))) {
      const command = inboxCommandCodec.decode(value)
      const key = `${command.node_id}/${command.command_id}`
      if (!this.outcomes.isKnown(key, this.#nowMs)) {
        const { status, code, result } = refusal(422, CANNOT_BE_DECIDED)
        this.outcomes.set(key, {
          nodeId: command.node_id,
          status,
          code,
          result: canonicalJson(JSON.stringify(result)),
          untilMs: this.#nowMs + DAY_MS,
          isCounted: isCountedCommand(command),
          ...this.#senderOf(command, record),
        })
      }
    }
    return this.#setAside(record, CANNOT_BE_DECIDED)
  }

  /** Log time up to here. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** `take` decodes first and returns what is to be done; where that returns false, the body is not possible. */
  #decoded(record: SourceRecord, take: () => () => boolean): void {
    let act: () => boolean
    try {
      act = take()
    } catch {
      return this.#setAside(record, 'malformed')
    }
    if (!act()) this.#setAside(record, 'malformed')
  }

  #usage(usage: InboxUsage, record: SourceRecord): void {
    if (!this.#handed.takes(usage, record.offset)) return
    this.#watermarkMs = Math.max(this.#watermarkMs, usage.watermark)
    const moment = this.#moment(record)
    for (const { node_id, operator_id, cost } of usage.entries) {
      const account = this.#accountOf(node_id)
      if (operator_id !== null) nameFirstOperator(account, operator_id, moment, 'event')
      if (cost === null) continue
      const used = decide(account, cost, moment)
      if (used !== null) this.outcomes.delete(`${node_id}/${used.commandId}`)
    }
    // Every node of a range has sums: each event is in one.
    for (const sum of usage.sums) {
      const account = this.#accountOf(sum.node_id)
      account.watermarkMs = this.#watermarkMs
      account.changedAtMs = this.#nowMs
      this.totals.addSum(sum)
    }
  }

  /** Until these rules, values without a bound were accepted as they came. */
  #isBounded({ offset }: SourceRecord): boolean {
    return rulesAt(this.since, offset) >= BOUNDED
  }

  #isNoted({ offset }: SourceRecord): boolean {
    return rulesAt(this.since, offset) >= NOTED
  }

  #seen(value: Buffer): () => boolean {
    const seen = inboxAuditCodec.decode(value)
    return () => {
      if (!isPossibleAudit(seen)) return false
      const { entry_id, kind, before, after, count, ...same } = seen
      const row = { ...same, value_before: before, value_after: after, times: count, noted_at: this.#nowMs }
      this.rows.note(kind, entry_id, row)
      return true
    }
  }

  #configure(value: Buffer, record: SourceRecord): () => boolean {
    const configure = inboxConfigureCodec.decode(value)
    return () => {
      if (this.#isBounded(record) && !arePossibleRules(configure)) return false
      if (configure.version > this.#rules.version) this.#rules = rulesOf(configure)
      return true
    }
  }

  #heartbeat(value: Buffer, record: SourceRecord): () => boolean {
    const heartbeat = inboxHeartbeatCodec.decode(value)
    return () => {
      if (isReservedKey(heartbeat.node_id)) return false
      if (this.#isBounded(record) && !isPossibleHeartbeat(heartbeat)) return false
      takeHeartbeat(this.#accountOf(heartbeat.node_id), heartbeat, this.#moment(record))
      return true
    }
  }

  #command(value: Buffer, record: SourceRecord): () => boolean {
    const command = inboxCommandCodec.decode(value)
    return () => {
      if (isReservedKey(command.node_id)) return false
      if (this.#isBounded(record) && !isPossibleCommand(command)) return false
      if (!command.changes.every((change) => isSettingValue(change.name, change.value))) return false
      const key = `${command.node_id}/${command.command_id}`
      if (!this.outcomes.isKnown(key, this.#nowMs) && !this.#wasAnswered(command, key)) {
        this.#decideCommand(command, key, record)
      }
      return true
    }
  }

  /** The request has an outcome under the id that an older version gave it: the answer under this id is the same then. */
  #wasAnswered({ node_id: nodeId, older_id }: InboxCommand, key: string): boolean {
    const older = `${nodeId}/${older_id}`
    const outcome = this.outcomes.isKnown(older, this.#nowMs) ? this.outcomes.all.get(older) : undefined
    if (outcome === undefined) return false
    this.outcomes.set(key, { ...outcome, isCounted: false })
    return true
  }

  /** The credential for which a command is counted: until these rules all were counted together. */
  #senderOf(command: InboxCommand, record: SourceRecord): Pick<ModelOutcome, 'caller' | 'byAdmin'> {
    const isCountedApart = this.#isBounded(record)
    return { caller: isCountedApart ? command.caller : '', byAdmin: isCountedApart && command.by_admin }
  }

  #decideCommand(command: InboxCommand, key: string, record: SourceRecord): void {
    const nodeId = command.node_id
    const sender = this.#senderOf(command, record)
    const ofEach = this.#isBounded(record)
    const isFull = isCountedCommand(command) && this.outcomes.isFull(nodeId, sender, ofEach, this.#nowMs)
    const ended = isFull ? refusal(429, 'too_many_commands', 0) : this.#ended(command, record)
    if (ended.closed !== null) this.outcomes.delete(`${nodeId}/${ended.closed}`)
    const result = canonicalJson(JSON.stringify(ended.result))
    const { status, code } = ended
    const isCounted = !isFull && isCountedCommand(command)
    const kept = { untilMs: ended.untilMs ?? this.#nowMs + DAY_MS, isCounted }
    const keeping = this.#ofReservation(command, ended, sender, record) ?? kept
    this.outcomes.set(key, { nodeId, status, code, result, ...keeping, ...sender })
    this.rows.audited(command, {
      caller: command.caller,
      kind: command.kind,
      status,
      code,
      asked: canonicalJson(requestJson(command)),
      changes: canonicalJson(JSON.stringify(ended.changes)),
      result,
      decided_at: this.#nowMs,
    })
  }

  /**
   * How long the outcome of a command about a reservation is known; null: as it was until these rules, and as for other
   * commands.
   */
  #ofReservation(
    { kind, node_id: nodeId }: InboxCommand,
    { code }: Ended,
    sender: Pick<ModelOutcome, 'caller' | 'byAdmin'>,
    { offset }: SourceRecord,
  ): Pick<ModelOutcome, 'untilMs' | 'isCounted'> | null {
    if (rulesAt(this.since, offset) < RELEASES_KEPT) return null
    const shortly = { untilMs: this.#nowMs, isCounted: false }
    if (kind === 'reserve') return code === '' ? null : shortly
    if (kind !== 'release') return null
    // A node that is not known has nothing to give back: its release counts as one of the writes.
    const isUnknown = code === 'node_not_registered'
    const hasNone = isUnknown
      ? this.outcomes.isFull(nodeId, sender, true, this.#nowMs)
      : this.outcomes.hasNoRelease(nodeId, sender, this.#nowMs)
    return hasNone ? shortly : { untilMs: this.#nowMs + DAY_MS, isCounted: true }
  }

  /** A command that is refused for an unknown node does not make the node known. */
  #ended(command: InboxCommand, record: SourceRecord): Ended {
    const moment = this.#moment(record)
    const known = this.accounts.get(command.node_id)
    if (known !== undefined) return takeCommand(known, command, moment)
    if (!makesNode(command)) return refusal(404, 'node_not_registered')
    const account = newAccount(command.node_id, this.#nowMs)
    const ended = takeCommand(account, command, moment)
    if (ended.code === '') this.accounts.set(command.node_id, account)
    return ended
  }

  #moment(record: SourceRecord): Moment {
    return {
      nowMs: this.#nowMs,
      rules: this.#rules,
      rows: this.rows,
      isCapped: this.#isBounded(record),
      confirms: rulesAt(this.since, record.offset) >= CONFIRMS,
      isNoted: this.#isNoted(record),
    }
  }

  #setAside(record: SourceRecord, reason: SetAside['reasons'][number]['reason']): void {
    this.setAside.push({ record, reasons: [{ index: -1, reason }] })
  }

  #accountOf(nodeId: string): ModelAccount {
    const known = this.accounts.get(nodeId)
    if (known !== undefined) return known
    const account = newAccount(nodeId, this.#nowMs)
    this.accounts.set(nodeId, account)
    return account
  }
}
