import {
  AUDIT_COUNT_MAX,
  AUDIT_TEXT_CHARACTERS_MAX,
  REASON_CHARACTERS_MAX,
  SUBJECT_CHARACTERS_MAX,
  isShownText,
} from '../../schemas/audit.ts'
import { RESERVATION_TTL_MAX_S } from '../../schemas/commands/reservations.ts'
import { isFreeText, NODE_ID_PATTERN } from '../../schemas/ids.ts'
import { NODE_PROFILES } from '../../schemas/records.ts'
import type { InboxAudit, InboxCommand, InboxConfigure, InboxHeartbeat } from '../../schemas/records.ts'
import { isSettingValue } from '../../schemas/settings.ts'
import type { Setting } from '../../schemas/settings.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { HEARTBEAT_BOUNDS } from './accept-heartbeat.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/**
 * What commands, heartbeats and rules of account.inbox may hold. Reader and gateway check the same before they write, but
 * here no writer is trusted: a negative reservation would raise a day's limit, and a time that does not fit the column
 * would stop the partition.
 */

/** Most Spark for one US dollar: what one cost earns stays within 64 bits. */
export const SPARK_PER_USD_MAX = 1_000_000

/** Longest silence after which a node can count as dead: ten days. */
export const SILENCE_MS_MAX = 864_000_000

/** Highest cap of a day: as micro-Spark it is still a whole number that a double holds exactly. */
export const CAP_MAX = 1_000_000_000

/** Most characters of a credential's name, and of an ETag. */
const CALLER_CHARACTERS_MAX = 1_000

const NAME = new RegExp(NODE_ID_PATTERN)
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const NAMES_OPERATOR: ReadonlySet<InboxCommand['kind']> = new Set(['claim', 'transfer', 'confirm'])

const isName = (text: string | null): boolean => text !== null && NAME.test(text)
const isUpTo = (value: number, most: number, least = 0): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most

/** Why a command is not a possible one; null where it is. */
export function commandFault(command: InboxCommand): string | null {
  const { kind, command_id, older_id, node_id, caller, expected, operator_id, reservation_id } = command
  if (!isName(node_id)) return 'node_id is no name of a node'
  if (!UUID.test(command_id) || (older_id !== null && !UUID.test(older_id))) return 'command_id is no UUID'
  if (caller.length > CALLER_CHARACTERS_MAX) return 'caller is too long'
  if (expected !== null && expected.length > CALLER_CHARACTERS_MAX) return 'expected is too long'
  if (operator_id !== null && !isName(operator_id)) return 'operator_id is no name of an operator'
  if (reservation_id !== null && !isName(reservation_id)) return 'reservation_id is no name of a reservation'
  if (!isUpTo(command.cost_nano_usd, USAGE_BOUNDS.costNanoUsdMax)) return 'cost_nano_usd is out of its range'
  if (!isUpTo(command.ttl_ms, RESERVATION_TTL_MAX_S * SECOND_MS)) return 'ttl_ms is out of its range'
  if (NAMES_OPERATOR.has(kind) && operator_id === null) return 'operator_id is missing'
  if (kind === 'confirm' && !command.by_admin) return 'confirm is for an admin alone'
  if (kind === 'release' && reservation_id === null) return 'reservation_id is missing'
  return settingsFault(command.changes)
}

/** Why a heartbeat is not a possible one; null where it is. */
export function heartbeatFault(heartbeat: InboxHeartbeat): string | null {
  const { node_id, operator_id, software_version, agent_count, post_count, ad_impressions } = heartbeat
  if (!isName(node_id)) return 'node_id is no name of a node'
  if (operator_id !== null && !isName(operator_id)) return 'operator_id is no name of an operator'
  if (software_version !== null && !isFreeText(software_version)) return 'software_version is no text'
  if (!isUpTo(agent_count ?? 0, HEARTBEAT_BOUNDS.agentsMax)) return 'agent_count is out of its range'
  if (!isUpTo(post_count ?? 0, HEARTBEAT_BOUNDS.postsMax)) return 'post_count is out of its range'
  if (!isUpTo(ad_impressions, HEARTBEAT_BOUNDS.impressionsMax)) return 'ad_impressions is out of its range'
  return null
}

/** Why rules cannot be in force; null where they can. */
export function configureFault(rules: InboxConfigure): string | null {
  if (!isUpTo(rules.version, 2 ** 31 - 1, 1)) return 'version is out of its range'
  if (!isUpTo(rules.spark_per_usd, SPARK_PER_USD_MAX, 1)) return 'spark_per_usd is out of its range'
  if (rules.liveness.length !== NODE_PROFILES.length) return 'liveness is not of every profile'
  for (const { stale_ms, dead_ms } of rules.liveness) {
    if (!isUpTo(stale_ms, SILENCE_MS_MAX, 1)) return 'stale_ms is out of its range'
    if (!isUpTo(dead_ms, SILENCE_MS_MAX, stale_ms)) return 'dead_ms is out of its range'
  }
  for (const [name, most] of Object.entries(rules.caps)) {
    if (!isUpTo(most, CAP_MAX)) return `the cap of ${name} is out of its range`
  }
  return settingsFault(rules.overrides)
}

/** Why a record of the audit is not a possible one; null where it is. */
export function auditFault({
  subject,
  node_id,
  address,
  before,
  after,
  count,
  reason,
}: InboxAudit): string | null {
  if (subject === '' || !isShownText(subject, SUBJECT_CHARACTERS_MAX))
    return 'subject is no name of a credential'
  if (node_id !== '' && !isName(node_id)) return 'node_id is no name of a node'
  if (!isShownText(address, REASON_CHARACTERS_MAX)) return 'address is no address'
  if (!isShownText(before, AUDIT_TEXT_CHARACTERS_MAX)) return 'before is no text'
  if (!isShownText(after, AUDIT_TEXT_CHARACTERS_MAX)) return 'after is no text'
  if (!isUpTo(count, AUDIT_COUNT_MAX, 1)) return 'count is out of its range'
  if (!isShownText(reason, REASON_CHARACTERS_MAX)) return 'reason is no text'
  return null
}

function settingsFault(settings: readonly Setting[]): string | null {
  const names = new Set<string>()
  for (const { name, value } of settings) {
    if (!isSettingValue(name, value)) return `${name} cannot be ${String(value)}`
    if (names.has(name)) return `${name} stands twice`
    names.add(name)
  }
  return null
}
