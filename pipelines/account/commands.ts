import { CAUSE_DEFAULT, SETTINGS } from '../../schemas/settings.ts'
import type { Setting, SettingName, SettingValue } from '../../schemas/settings.ts'
import type { Account, InboxCommand } from '../../schemas/records.ts'
import type { ProblemCode } from '../../schemas/http/problem.ts'
import { currentOperator, dayOf, touch } from './account.ts'
import type { AccountRows } from './account.ts'
import { addReservation, budgetOf, hasRoom, isOpen, removeReservation } from './budget.ts'
import { confirmOperator, nameOperator, transfer } from './operators.ts'
import { effective, isStored, stored } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { settle, settleIfDue } from './settlement.ts'

/** What a command came to, before it is written down. */
export interface Decided {
  readonly status: number
  readonly code: ProblemCode | null
  readonly detail: string
  readonly result: Readonly<Record<string, unknown>>
  /** Each setting that changed. */
  readonly changes: readonly Change[]
  /** Log time until which the outcome is kept for a repeat; null for the usual day. */
  readonly keptUntilMs: number | null
  /** The command of the reservation that this one closed: its outcome need not be kept any more. */
  readonly closed: string | null
}

interface Change {
  readonly name: SettingName
  readonly before: SettingValue
  readonly after: SettingValue
}

/** The ETag of a node's settings: of what it stored, and of the rules over them. */
export function settingsTag(account: Account | null, rules: AccountRules): string {
  return `"${account?.settings_version ?? 0}.${rules.version}"`
}

/** Between the tags of which one must be the present one; no header holds it. */
export const TAG_SEPARATOR = '\n'

interface Asked {
  readonly account: Account
  readonly command: InboxCommand
  readonly rules: AccountRules
  readonly nowMs: number
  readonly rows: AccountRows
}

const HANDLERS: Readonly<Record<InboxCommand['kind'], (asked: Asked) => Decided>> = {
  settings: putSettings,
  join,
  claim,
  transfer: transferNode,
  reserve,
  release,
  settle: settleNow,
  confirm,
}

/** Kinds that make a node's account where there is none. */
const OPENS: ReadonlySet<InboxCommand['kind']> = new Set(['settings', 'join'])

/** True where the command may be about a node that nobody has named yet. */
export function opensAccount(command: InboxCommand): boolean {
  return OPENS.has(command.kind)
}

/** Decides a command in the node's own order; settles afterwards where that is due. */
export function applyCommand(asked: Asked): Decided {
  const decided = HANDLERS[asked.command.kind](asked)
  settleIfDue(asked.account, asked.rules, asked.nowMs, asked.rows)
  return decided
}

/** The answer about a node that nobody has named. */
export function unknownNode(nodeId: string): Decided {
  return refused(
    404,
    'node_not_registered',
    `No event, heartbeat or setting has named the node ${nodeId} yet.`,
  )
}

function done(result: Readonly<Record<string, unknown>>, more: Partial<Decided> = {}): Decided {
  return {
    status: 200,
    code: null,
    detail: '',
    result,
    changes: [],
    keptUntilMs: null,
    closed: null,
    ...more,
  }
}

function refused(status: number, code: ProblemCode, detail: string, more: Partial<Decided> = {}): Decided {
  return { status, code, detail, result: {}, changes: [], keptUntilMs: null, closed: null, ...more }
}

function putSettings({ account, command, rules, nowMs }: Asked): Decided {
  const refusal = refuseSettings(account, command, rules)
  if (refusal !== null) return refusal
  const changes = store(account, command.changes, nowMs)
  return done({ ...fieldsOf(command.changes), tag: settingsTag(account, rules) }, { changes })
}

function refuseSettings(account: Account, command: InboxCommand, rules: AccountRules): Decided | null {
  const allows = command.changes.some(
    ({ name, value }) => name === 'allow_metered_for_hive' && value === true,
  )
  if (allows && account.tier === 'central') {
    return refused(
      403,
      'central_not_metered',
      'A central node never pays for calls of others: allow_metered_for_hive stays false, and nothing was changed.',
    )
  }
  const tag = settingsTag(account, rules)
  if (command.expected === null || command.expected.split(TAG_SEPARATOR).includes(tag)) return null
  return refused(
    412,
    'stale_settings',
    `The settings have changed: their ETag is ${tag}. Read them again and decide.`,
  )
}

function join(asked: Asked): Decided {
  const { account, command, rules, nowMs, rows } = asked
  const refusal = refuseSettings(account, command, rules)
  if (refusal !== null) return refusal
  const names = command.changes.map(({ name }) => name)
  const needsCause = !names.includes('cause_alignment') && stored(account, 'cause_alignment') === null
  const cause: Setting[] = needsCause ? [{ name: 'cause_alignment', value: CAUSE_DEFAULT }] : []
  const changes = store(account, [...command.changes, ...cause], nowMs)
  if (account.version === 0) touch(account, nowMs)
  if (command.operator_id !== null) nameOperator(account, command.operator_id, nowMs, rows)
  vouch(asked)
  return done({ tag: settingsTag(account, rules) }, { changes })
}

/** Writes what differs; the version counts once for all of it. */
function store(account: Account, settings: readonly Setting[], nowMs: number): Change[] {
  const changes: Change[] = []
  for (const { name, value } of settings) {
    const before = stored(account, name)
    if (before === value && isStored(account, name)) continue
    changes.push({ name, before, after: value })
    account.settings = [...account.settings.filter((other) => other.name !== name), { name, value }]
  }
  if (changes.length > 0) account.settings_version++
  if (changes.length > 0 || account.version === 0) touch(account, nowMs)
  return changes
}

function fieldsOf(settings: readonly Setting[]): { policy_fields: string[]; peer_fields: string[] } {
  const namesOf = (kind: 'policy' | 'peer'): string[] =>
    settings.filter(({ name }) => SETTINGS[name].of === kind).map(({ name }) => name)
  return { policy_fields: namesOf('policy'), peer_fields: namesOf('peer') }
}

/** A command that names the node's operator confirms it, where whoever asked may say whose the node is. */
function vouch({ account, command, nowMs }: Asked): void {
  const { operator_id, by_admin, by_operator } = command
  if (operator_id === null || !(by_admin || by_operator)) return
  if (currentOperator(account)?.operator_id === operator_id) confirmOperator(account, operator_id, nowMs)
}

/** Of operators of before too; the bounds of the inbox let only an admin ask for it. */
function confirm({ account, command, nowMs }: Asked): Decided {
  const operatorId = command.operator_id ?? ''
  if (confirmOperator(account, operatorId, nowMs)) return done({ operator_id: operatorId })
  return refused(409, 'not_claimed', 'This node has never had that operator.')
}

function claim(asked: Asked): Decided {
  const { account, command, nowMs, rows } = asked
  const operatorId = command.operator_id ?? ''
  const operator = currentOperator(account)
  if (operator !== undefined && operator.operator_id !== operatorId) {
    return refused(409, 'already_claimed', 'Another operator has this node; transfer gives it to a new one.')
  }
  const before = account.settled_micro_spark
  nameOperator(account, operatorId, nowMs, rows)
  vouch(asked)
  return done({ operator_id: operatorId, micro_spark: String(account.settled_micro_spark - before) })
}

function transferNode(asked: Asked): Decided {
  const { account, command, nowMs, rows } = asked
  const operatorId = command.operator_id ?? ''
  if (currentOperator(account) === undefined) {
    return refused(409, 'not_claimed', 'This node has no operator yet; claim names the first one.')
  }
  if (!transfer(account, operatorId, nowMs, rows)) {
    return refused(409, 'too_many_operators', 'This node has had 8 operators, as many as an account keeps.')
  }
  vouch(asked)
  return done({ operator_id: operatorId })
}

function reserve({ account, command, rules, nowMs }: Asked): Decided {
  const soon = { keptUntilMs: nowMs }
  if (effective(account, rules, 'allow_metered_for_hive') !== true) {
    return refused(
      409,
      'not_allowed',
      'This node pays for no calls of others (allow_metered_for_hive).',
      soon,
    )
  }
  const nanoUsd = BigInt(command.cost_nano_usd)
  const budget = budgetOf(account, rules, dayOf(nowMs), nowMs)
  if (!hasRoom(budget, nanoUsd)) {
    return refused(
      409,
      'over_limit',
      "The day's limit has no room for this call (metered_daily_limit_usd).",
      soon,
    )
  }
  const reservation_id = command.reservation_id ?? command.command_id
  const namesake = account.reservations.find((other) => other.reservation_id === reservation_id)
  if (namesake !== undefined) {
    if (isOpen(namesake, nowMs))
      return refused(409, 'reservation_exists', 'This node has an open reservation of this name.', soon)
    removeReservation(account, namesake)
  }
  const expires_at = nowMs + command.ttl_ms
  const reservation = {
    reservation_id,
    nano_usd: command.cost_nano_usd,
    day: budget.day,
    expires_at,
    command_id: command.command_id,
  }
  if (!addReservation(account, reservation, nowMs)) {
    const detail =
      'This node has 100 open reservations, as many as may be: use, delete or let expire some first.'
    return refused(409, 'too_many_reservations', detail, soon)
  }
  touch(account, nowMs)
  return done({ id: reservation_id, expires_at }, { status: 201, keptUntilMs: expires_at })
}

function release({ account, command, nowMs }: Asked): Decided {
  const found = account.reservations.find(({ reservation_id }) => reservation_id === command.reservation_id)
  if (found === undefined) {
    return refused(
      404,
      'reservation_not_found',
      'This node has no such reservation: it was used up or deleted, or never made.',
    )
  }
  removeReservation(account, found)
  touch(account, nowMs)
  return done({}, { status: 204, closed: found.command_id })
}

function settleNow({ account, nowMs, rows }: Asked): Decided {
  const settlement = settle(account, 'requested', nowMs, rows)
  return done({
    settled_count: settlement?.costs ?? 0,
    micro_spark: String(settlement?.microSpark ?? 0n),
    nano_usd: String(settlement?.costNanoUsd ?? 0n),
  })
}
