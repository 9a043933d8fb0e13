import type { InboxAudit, InboxCommand, InboxConfigure, InboxHeartbeat } from '../../../schemas/records.ts'
import { isSettingValue } from '../../../schemas/settings.ts'
import type { Setting } from '../../../schemas/settings.ts'

/** What requests and rules can hold, stated a second time. */

const NAME = /^[A-Za-z0-9._:-]{1,64}$/
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const DAY_MS = 86_400_000
const COST_MAX = 10 ** 15
const PEOPLE_MAX = 10 ** 9
const IMPRESSIONS_MAX = 10 ** 6
const TEXT = /^[^\p{Cc}\p{Cs}\p{Cn}]{1,128}$/u

const PLAIN = /^[^\p{Cc}\p{Cs}\p{Cn}]*$/u

const orNull = (text: string | null, pattern: RegExp): boolean => text === null || pattern.test(text)
const within = (least: number, value: number, most: number): boolean =>
  Number.isSafeInteger(value) && least <= value && value <= most

export function isPossibleCommand(command: InboxCommand): boolean {
  const { kind, caller, expected, operator_id, reservation_id } = command
  return (
    NAME.test(command.node_id) &&
    ID.test(command.command_id) &&
    orNull(command.older_id, ID) &&
    caller.length <= 1_000 &&
    (expected?.length ?? 0) <= 1_000 &&
    orNull(operator_id, NAME) &&
    orNull(reservation_id, NAME) &&
    within(0, command.cost_nano_usd, COST_MAX) &&
    within(0, command.ttl_ms, DAY_MS) &&
    (operator_id !== null || !['claim', 'transfer', 'confirm'].includes(kind)) &&
    (command.by_admin || kind !== 'confirm') &&
    (reservation_id !== null || kind !== 'release') &&
    arePossible(command.changes)
  )
}

export function isPossibleHeartbeat(heartbeat: InboxHeartbeat): boolean {
  const { node_id, operator_id, software_version, agent_count, post_count, ad_impressions } = heartbeat
  return (
    NAME.test(node_id) &&
    orNull(operator_id, NAME) &&
    orNull(software_version, TEXT) &&
    within(0, agent_count ?? 0, PEOPLE_MAX) &&
    within(0, post_count ?? 0, PEOPLE_MAX) &&
    within(0, ad_impressions, IMPRESSIONS_MAX)
  )
}

export function isPossibleAudit(seen: InboxAudit): boolean {
  const { subject, node_id, address, before, after, count, reason } = seen
  return (
    subject.length > 0 &&
    subject.length <= 200 &&
    (node_id === '' || NAME.test(node_id)) &&
    [before, after].every((text) => text.length <= 1_000) &&
    [address, reason].every((text) => text.length <= 100) &&
    [subject, address, before, after, reason].every((text) => PLAIN.test(text)) &&
    within(1, count, 10 ** 12)
  )
}

export function arePossibleRules(rules: InboxConfigure): boolean {
  const { version, spark_per_usd, liveness, overrides, caps } = rules
  return (
    within(1, version, 2 ** 31 - 1) &&
    within(1, spark_per_usd, 10 ** 6) &&
    liveness.length === 3 &&
    liveness.every(
      ({ stale_ms, dead_ms }) => within(1, stale_ms, 10 * DAY_MS) && within(stale_ms, dead_ms, 10 * DAY_MS),
    ) &&
    Object.values(caps).every((cap) => within(0, cap, 10 ** 9)) &&
    arePossible(overrides)
  )
}

const arePossible = (settings: readonly Setting[]): boolean =>
  settings.every(({ name, value }) => isSettingValue(name, value)) &&
  new Set(settings.map(({ name }) => name)).size === settings.length
