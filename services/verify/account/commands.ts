import type { InboxCommand } from '../../../schemas/records.ts'
import { SETTINGS } from '../../../schemas/settings.ts'
import type { Setting, SettingName, SettingValue } from '../../../schemas/settings.ts'
import { budgetFor } from './costs.ts'
import { confirmOperator, handOver, nameFirstOperator, settle, settleIfDue } from './payments.ts'
import { storedValue, valueInForce } from './rules.ts'
import { utcDay } from './state.ts'
import type { ModelAccount, Moment } from './state.ts'

/** Reservations that a node may have at once. */
const RESERVATIONS_MAX = 100

/** What a command must have resulted in. */
export interface Ended {
  readonly status: number
  readonly code: string
  readonly result: Readonly<Record<string, unknown>>
  readonly changes: readonly Changed[]
  /** How long its outcome is kept; null for a day. */
  readonly untilMs: number | null
  /** The command of the reservation that it closed. */
  readonly closed: string | null
}

interface Changed {
  readonly name: SettingName
  readonly before: SettingValue
  readonly after: SettingValue
}

type Handler = (account: ModelAccount, command: InboxCommand, moment: Moment) => Ended

const HANDLERS: Readonly<Record<InboxCommand['kind'], Handler>> = {
  settings: changeSettings,
  join: joinNetwork,
  claim: claimNode,
  transfer: transferNode,
  reserve: reserveSpend,
  release: releaseSpend,
  settle: settleOnDemand,
  confirm: confirmOnDemand,
}

/** Commands that make the node where it was not named yet. */
export const makesNode = ({ kind }: InboxCommand): boolean => kind === 'settings' || kind === 'join'

/** Commands about reservations are not counted: the reservations bound them. */
export const isCountedCommand = ({ kind }: InboxCommand): boolean => kind !== 'reserve' && kind !== 'release'

/** Applies a command; after it, whatever its result, pending costs are settled if they are due. */
export function takeCommand(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const ended = HANDLERS[command.kind](account, command, moment)
  settleIfDue(account, moment)
  return ended
}

export function refusal(status: number, code: string, untilMs: number | null = null): Ended {
  return { status, code, result: {}, changes: [], untilMs, closed: null }
}

/** What was requested, as the audit shows it. */
export function requestJson(command: InboxCommand): string {
  const { operator_id, reservation_id, cost_nano_usd, ttl_ms, expected } = command
  const settings = Object.fromEntries(command.changes.map(({ name, value }) => [name, value]))
  switch (command.kind) {
    case 'settings':
      return JSON.stringify({ settings, expected })
    case 'join':
      return JSON.stringify({ settings, operator_id })
    case 'reserve':
      return JSON.stringify({ cost_nano_usd, ttl_ms, reservation_id })
    case 'release':
      return JSON.stringify({ reservation_id })
    default:
      return operator_id === null ? '{}' : JSON.stringify({ operator_id })
  }
}

function success(result: Ended['result'], more: Partial<Ended> = {}): Ended {
  return { status: 200, code: '', result, changes: [], untilMs: null, closed: null, ...more }
}

const tagOf = ({ settingsVersion }: ModelAccount, { rules }: Moment): string =>
  `"${settingsVersion}.${rules.version}"`

function refuseChange(account: ModelAccount, command: InboxCommand, moment: Moment): Ended | null {
  const isOptIn = command.changes.some(
    ({ name, value }) => name === 'allow_metered_for_hive' && value === true,
  )
  if (isOptIn && account.tier === 'central') return refusal(403, 'central_not_metered')
  // Several tags are on a line each; any one of them may match.
  const isStale = command.expected?.split('\n').every((tag) => tag !== tagOf(account, moment)) ?? false
  return isStale ? refusal(412, 'stale_settings') : null
}

function write(account: ModelAccount, settings: readonly Setting[], nowMs: number): Changed[] {
  const changes: Changed[] = []
  for (const { name, value } of settings) {
    if (account.settings.get(name) === value) continue
    changes.push({ name, before: storedValue(account, name), after: value })
    account.settings.set(name, value)
  }
  if (changes.length > 0) {
    account.settingsVersion += 1
    account.changedAtMs = nowMs
  }
  return changes
}

function changeSettings(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const refused = refuseChange(account, command, moment)
  if (refused !== null) return refused
  const changes = write(account, command.changes, moment.nowMs)
  const named = (of: string): string[] =>
    command.changes.map(({ name }) => name).filter((name) => SETTINGS[name].of === of)
  const result = { policy_fields: named('policy'), peer_fields: named('peer'), tag: tagOf(account, moment) }
  return success(result, { changes })
}

function joinNetwork(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const refused = refuseChange(account, command, moment)
  if (refused !== null) return refused
  const settings = [...command.changes]
  const isNamed = settings.some(({ name }) => name === 'cause_alignment')
  if (!isNamed && storedValue(account, 'cause_alignment') === null) {
    settings.push({ name: 'cause_alignment', value: 'democratize_compute' })
  }
  const changes = write(account, settings, moment.nowMs)
  if (command.operator_id !== null) nameFirstOperator(account, command.operator_id, moment, 'command')
  confirmPresent(account, command, moment)
  return success({ tag: tagOf(account, moment) }, { changes })
}

function claimNode(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const operatorId = command.operator_id ?? ''
  const current = account.operators.at(-1)
  if (current !== undefined && current.operatorId !== operatorId) return refusal(409, 'already_claimed')
  const owed = current === undefined ? account.unclaimed.microSpark : 0n
  nameFirstOperator(account, operatorId, moment, 'command')
  confirmPresent(account, command, moment)
  return success({ operator_id: operatorId, micro_spark: String(owed) })
}

function transferNode(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const operatorId = command.operator_id ?? ''
  if (account.operators.length === 0) return refusal(409, 'not_claimed')
  if (!handOver(account, operatorId, moment)) return refusal(409, 'too_many_operators')
  confirmPresent(account, command, moment)
  return success({ operator_id: operatorId })
}

/** An admin, or a credential of that operator, may confirm the present operator. */
function confirmPresent(account: ModelAccount, command: InboxCommand, moment: Moment): void {
  const present = account.operators.at(-1)?.operatorId
  const mayConfirm = command.by_admin || command.by_operator
  if (mayConfirm && present !== undefined && present === command.operator_id)
    confirmOperator(account, present, moment)
}

function confirmOnDemand(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const operatorId = command.operator_id ?? ''
  return confirmOperator(account, operatorId, moment)
    ? success({ operator_id: operatorId })
    : refusal(409, 'not_claimed')
}

function reserveSpend(account: ModelAccount, command: InboxCommand, moment: Moment): Ended {
  const { nowMs, rules } = moment
  if (valueInForce(account, rules, 'allow_metered_for_hive') !== true)
    return refusal(409, 'not_allowed', nowMs)
  const nanoUsd = BigInt(command.cost_nano_usd)
  const { day, hasRoom } = budgetFor(account, nanoUsd, utcDay(nowMs), moment)
  if (!hasRoom) return refusal(409, 'over_limit', nowMs)
  const id = command.reservation_id ?? command.command_id
  const namesake = account.reservations.find((reservation) => reservation.id === id)
  if (namesake !== undefined && namesake.expiresAtMs > nowMs) return refusal(409, 'reservation_exists', nowMs)
  account.reservations = account.reservations.filter((reservation) => reservation !== namesake)
  if (account.reservations.length === RESERVATIONS_MAX) {
    const expired = account.reservations.find(({ expiresAtMs }) => expiresAtMs <= nowMs)
    if (expired === undefined) return refusal(409, 'too_many_reservations', nowMs)
    account.reservations = account.reservations.filter((reservation) => reservation !== expired)
  }
  const expiresAtMs = nowMs + command.ttl_ms
  account.reservations.push({ id, nanoUsd, day, expiresAtMs, commandId: command.command_id })
  account.changedAtMs = nowMs
  return success({ id, expires_at: expiresAtMs }, { status: 201, untilMs: expiresAtMs })
}

function releaseSpend(account: ModelAccount, command: InboxCommand, { nowMs }: Moment): Ended {
  const found = account.reservations.find(({ id }) => id === command.reservation_id)
  // AccountModel determines how long this outcome is kept under the newer rules.
  if (found === undefined) return refusal(404, 'reservation_not_found', nowMs)
  account.reservations = account.reservations.filter((reservation) => reservation !== found)
  account.changedAtMs = nowMs
  return success({}, { status: 204, untilMs: nowMs, closed: found.commandId })
}

function settleOnDemand(account: ModelAccount, _command: InboxCommand, moment: Moment): Ended {
  const paid = settle(account, 'requested', moment)
  return success({
    settled_count: Number(paid?.count ?? 0n),
    micro_spark: String(paid?.microSpark ?? 0n),
    nano_usd: String(paid?.nanoUsd ?? 0n),
  })
}
