import type { Account } from '../../schemas/records.ts'
import { thresholdsOf } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { HOUR_MS, MINUTE_MS, WHOLE_PPM } from '../../schemas/units.ts'

/**
 * How long a node was up: from each contact until the next one, or until the node became stale. Kept as minutes of each
 * hour, for 7 days: a minute counts where the node was up when the minute began.
 */

const MINUTES_PER_HOUR = HOUR_MS / MINUTE_MS

/** Hours that are kept: 7 days. */
export const UPTIME_HOURS = 168

/** What a node's silence makes of it. A silence exactly at a limit still counts as the better state. */
export type Liveness = 'active' | 'stale' | 'dead'

/** The state of a node as of log time `nowMs`; null for one without heartbeats. */
export function livenessOf(account: Account, rules: AccountRules, nowMs: number): Liveness | null {
  if (account.last_contact_at === null) return null
  const { stale_ms, dead_ms } = thresholdsOf(rules, account.profile)
  const silenceMs = nowMs - account.last_contact_at
  if (silenceMs > dead_ms) return 'dead'
  return silenceMs > stale_ms ? 'stale' : 'active'
}

/** The snapshot that the original scores by, in millionths: active counts 1, stale a half, dead or never in contact 0. */
export function uptimeSnapshotPpm(account: Account, rules: AccountRules, nowMs: number): number {
  const liveness = livenessOf(account, rules, nowMs)
  if (liveness === 'active') return WHOLE_PPM
  return liveness === 'stale' ? WHOLE_PPM / 2 : 0
}

/** The share of the last 7 days that the node was up, in millionths; days before its first contact count as down. */
export function uptimeObservedPpm(account: Account, rules: AccountRules, nowMs: number): number {
  const hours = [...account.uptime]
  const lastHour = Math.floor(nowMs / HOUR_MS)
  const firstHour = lastHour - UPTIME_HOURS + 1
  let minutes = 0
  for (const [at, up] of hours.entries()) {
    const hour = account.uptime_hour - hours.length + 1 + at
    if (hour >= firstHour && hour <= lastHour) minutes += up
  }
  const since = upSinceContact(account, rules, nowMs)
  if (since !== null) minutes += minutesBegun(Math.max(since.fromMs, firstHour * HOUR_MS), since.toMs)
  const elapsed = minutesBegun(firstHour * HOUR_MS, nowMs)
  return elapsed === 0 ? 0 : Math.floor((WHOLE_PPM * minutes) / elapsed)
}

/** Counts the time from the previous contact until now. Called at each contact, before the contact is noted. */
export function addUptime(account: Account, rules: AccountRules, nowMs: number): void {
  const hour = Math.floor(nowMs / HOUR_MS)
  const since = upSinceContact(account, rules, nowMs)
  const hours = hoursUpTo(account, hour)
  account.uptime_hour = hour
  account.uptime = hours
  if (since === null) return
  const firstHour = hour - hours.length + 1
  for (let at = 0; at < hours.length; at++) {
    const startMs = (firstHour + at) * HOUR_MS
    const up = minutesBegun(Math.max(since.fromMs, startMs), Math.min(since.toMs, startMs + HOUR_MS))
    hours[at] = Math.min(MINUTES_PER_HOUR, (hours[at] ?? 0) + up)
  }
}

function upSinceContact(
  account: Account,
  rules: AccountRules,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } | null {
  const fromMs = account.last_contact_at
  if (fromMs === null) return null
  return { fromMs, toMs: Math.min(nowMs, fromMs + thresholdsOf(rules, account.profile).stale_ms) }
}

/** The kept hours, newest last: as many as there are since the first contact, at most 7 days. */
function hoursUpTo(account: Account, hour: number): Buffer {
  const { uptime, uptime_hour } = account
  if (uptime.length === 0) return Buffer.alloc(1)
  const length = Math.min(UPTIME_HOURS, uptime.length + hour - uptime_hour)
  const hours = Buffer.alloc(length)
  const firstHour = hour - length + 1
  for (let at = 0; at < length; at++) {
    hours[at] = uptime[uptime.length - 1 - (uptime_hour - (firstHour + at))] ?? 0
  }
  return hours
}

/** Minutes that begin in [fromMs, toMs). */
function minutesBegun(fromMs: number, toMs: number): number {
  return Math.max(0, Math.ceil(toMs / MINUTE_MS) - Math.ceil(fromMs / MINUTE_MS))
}
