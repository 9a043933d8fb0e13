import { CAUSE_DEFAULT, SETTINGS } from '../../schemas/settings.ts'
import type { Setting, SettingName, SettingValue } from '../../schemas/settings.ts'
import type { Ending } from '../../schemas/commands/outcome.ts'
import { DONE_AS, RESULT_CODECS } from '../../schemas/commands/results.ts'
import type { CommandRefusal, CommandResult } from '../../schemas/commands/results.ts'
import type { Account, CommandKind, InboxCommand } from '../../schemas/records.ts'
import { currentOperator, dayOf, touch } from './account.ts'
import type { AccountRows } from './account.ts'
import { addReservation, budgetOf, hasRoom, isOpen, removeReservation } from './budget.ts'
import { confirmOperator, nameOperator, transfer } from './operators.ts'
import { effective, isStored, stored } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { settle, settleIfDue } from './settlement.ts'

/** The result of a command, before it is written down. */
export interface Decided<Refusal extends CommandRefusal = CommandRefusal> {
  readonly ending: Ending<Refusal>
  /** Each setting that changed. */
  readonly changes: readonly Change[]
  /** Log time until which the outcome is kept for a repeat; null for the usual day. */
  readonly keptUntilMs: number | null
  /** The command whose reservation this one closed: its outcome need not be kept any more. */
  readonly closed: string | null
}

interface Change {
  readonly name: SettingName
  readonly before: SettingValue
  readonly after: SettingValue
}

/** The ETag of a node's settings: of what the node stored and of the rules that override it. */
export function settingsTag(account: Account | null, rules: AccountRules): string {
  return `"${account?.settings_version ?? 0}.${rules.version}"`
}

/** Separates the tags of which one must be the present one; no header can hold it. */
export const TAG_SEPARATOR = '\n'

interface CommandContext {
  readonly account: Account
  readonly command: InboxCommand
  readonly rules: AccountRules
  readonly nowMs: number
  readonly rows: AccountRows
}

const HANDLERS: {
  readonly [Kind in CommandKind]: (context: CommandContext) => Decided<CommandRefusal<Kind>>
} = {
  settings: putSettings,
  join,
  claim,
  transfer: transferNode,
  reserve,
  release,
  settle: settleNow,
  confirm,
}

/** Kinds that create the account of a node that has none. */
const OPENS: ReadonlySet<InboxCommand['kind']> = new Set(['settings', 'join'])

/** True where the command may be about a node that nothing has named yet. */
export function opensAccount(command: InboxCommand): boolean {
  return OPENS.has(command.kind)
}

/** Decides a command in the node's own order, and settles afterwards where a settlement is due. */
export function applyCommand(context: CommandContext): Decided {
  const decided = HANDLERS[context.command.kind](context)
  settleIfDue(context.account, context.rules, context.nowMs, context.rows)
  return decided
}

/** The answer about a node that nothing has named. */
export function unknownNode(nodeId: string): Decided {
  return refused('node_not_registered', `No event, heartbeat or setting has named the node ${nodeId} yet.`)
}

/** The answer to a write for which there is no place among the outcomes that are kept for a day. */
export function tooManyCommands(): Decided {
  return refused(
    'too_many_commands',
    'This credential has written to this node 1,000 times within a day, or all together 5,000 times; the oldest must be a day old before the next one.',
    { keptUntilMs: 0 },
  )
}

type Beside = Omit<Decided, 'ending'>

const BESIDE: Beside = { changes: [], keptUntilMs: null, closed: null }

function done<Kind extends CommandKind>(
  kind: Kind,
  result: CommandResult<Kind>,
  beside: Partial<Beside> = {},
): Decided<never> {
  return {
    ending: { become: DONE_AS[kind], result: RESULT_CODECS[kind].encode(result) },
    ...BESIDE,
    ...beside,
  }
}

function refused<Refusal extends CommandRefusal>(
  code: Refusal,
  detail: string,
  beside: Partial<Beside> = {},
): Decided<Refusal> {
  return { ending: { become: 'refused', code, detail }, ...BESIDE, ...beside }
}

function putSettings({
  account,
  command,
  rules,
  nowMs,
}: CommandContext): Decided<CommandRefusal<'settings'>> {
  const refusal = refuseSettings(account, command, rules)
  if (refusal !== null) return refusal
  const changes = store(account, command.changes, nowMs)
  return done('settings', { ...fieldsOf(command.changes), tag: settingsTag(account, rules) }, { changes })
}

function refuseSettings(
  account: Account,
  command: InboxCommand,
  rules: AccountRules,
): Decided<CommandRefusal<'settings'>> | null {
  const allows = command.changes.some(
    ({ name, value }) => name === 'allow_metered_for_hive' && value === true,
  )
  if (allows && account.tier === 'central') {
    return refused(
      'central_not_metered',
      'A central node never pays for calls of others: allow_metered_for_hive stays false, and nothing was changed.',
    )
  }
  const tag = settingsTag(account, rules)
  if (command.expected === null || command.expected.split(TAG_SEPARATOR).includes(tag)) return null
  return refused(
    'stale_settings',
    `The settings have changed: their ETag is ${tag}. Read them again and decide.`,
  )
}

function join(context: CommandContext): Decided<CommandRefusal<'join'>> {
  const { account, command, rules, nowMs, rows } = context
  const refusal = refuseSettings(account, command, rules)
  if (refusal !== null) return refusal
  const names = command.changes.map(({ name }) => name)
  const needsCause = !names.includes('cause_alignment') && stored(account, 'cause_alignment') === null
  const cause: Setting[] = needsCause ? [{ name: 'cause_alignment', value: CAUSE_DEFAULT }] : []
  const changes = store(account, [...command.changes, ...cause], nowMs)
  if (account.version === 0) touch(account, nowMs)
  if (command.operator_id !== null) nameOperator(account, command.operator_id, nowMs, rows)
  vouch(context)
  return done('join', { tag: settingsTag(account, rules) }, { changes })
}

/** Writes what differs; the version rises once for all of it. */
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

/** A command that names the node's operator confirms it, where the caller has the right to say whose the node is. */
function vouch({ account, command, nowMs }: CommandContext): void {
  const { operator_id, by_admin, by_operator } = command
  if (operator_id === null || !(by_admin || by_operator)) return
  if (currentOperator(account)?.operator_id === operator_id) confirmOperator(account, operator_id, nowMs)
}

/** Also confirms an earlier operator; the bounds of the inbox let only an admin request that. */
function confirm({ account, command, nowMs }: CommandContext): Decided<CommandRefusal<'confirm'>> {
  const operatorId = command.operator_id ?? ''
  if (confirmOperator(account, operatorId, nowMs)) return done('confirm', { operator_id: operatorId })
  return refused('not_claimed', 'This node has never had that operator.')
}

function claim(context: CommandContext): Decided<CommandRefusal<'claim'>> {
  const { account, command, nowMs, rows } = context
  const operatorId = command.operator_id ?? ''
  const operator = currentOperator(account)
  if (operator !== undefined && operator.operator_id !== operatorId) {
    return refused('already_claimed', 'Another operator has this node; transfer gives it to a new one.')
  }
  const before = account.settled_micro_spark
  nameOperator(account, operatorId, nowMs, rows)
  vouch(context)
  return done('claim', { operator_id: operatorId, micro_spark: String(account.settled_micro_spark - before) })
}

function transferNode(context: CommandContext): Decided<CommandRefusal<'transfer'>> {
  const { account, command, nowMs, rows } = context
  const operatorId = command.operator_id ?? ''
  if (currentOperator(account) === undefined) {
    return refused('not_claimed', 'This node has no operator yet; claim names the first one.')
  }
  if (!transfer(account, operatorId, nowMs, rows)) {
    return refused('too_many_operators', 'This node has had 8 operators, as many as an account keeps.')
  }
  vouch(context)
  return done('transfer', { operator_id: operatorId })
}

function reserve({ account, command, rules, nowMs }: CommandContext): Decided<CommandRefusal<'reserve'>> {
  const soon = { keptUntilMs: nowMs }
  if (effective(account, rules, 'allow_metered_for_hive') !== true) {
    return refused('not_allowed', 'This node pays for no calls of others (allow_metered_for_hive).', soon)
  }
  const nanoUsd = BigInt(command.cost_nano_usd)
  const budget = budgetOf(account, rules, dayOf(nowMs), nowMs)
  if (!hasRoom(budget, nanoUsd)) {
    return refused('over_limit', "The day's limit has no room for this call (metered_daily_limit_usd).", soon)
  }
  const reservation_id = command.reservation_id ?? command.command_id
  const namesake = account.reservations.find((other) => other.reservation_id === reservation_id)
  if (namesake !== undefined) {
    if (isOpen(namesake, nowMs))
      return refused('reservation_exists', 'This node has an open reservation of this name.', soon)
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
    return refused('too_many_reservations', detail, soon)
  }
  touch(account, nowMs)
  return done('reserve', { id: reservation_id, expires_at }, { keptUntilMs: expires_at })
}

function release({ account, command, nowMs }: CommandContext): Decided<CommandRefusal<'release'>> {
  const found = account.reservations.find(({ reservation_id }) => reservation_id === command.reservation_id)
  if (found === undefined) {
    return refused(
      'reservation_not_found',
      'This node has no such reservation: it was used up or deleted, or never made.',
    )
  }
  removeReservation(account, found)
  touch(account, nowMs)
  return done('release', {}, { closed: found.command_id })
}

function settleNow({ account, nowMs, rows }: CommandContext): Decided<CommandRefusal<'settle'>> {
  const settlement = settle(account, 'requested', nowMs, rows)
  return done('settle', {
    settled_count: settlement?.costs ?? 0,
    micro_spark: String(settlement?.microSpark ?? 0n),
    nano_usd: String(settlement?.costNanoUsd ?? 0n),
  })
}
