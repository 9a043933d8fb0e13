import { createHash } from 'node:crypto'
import { NODE_PROFILES, NODE_TIERS } from '../../schemas/records.ts'
import type { InboxHeartbeat } from '../../schemas/records.ts'
import { hasOnlyNames, isJsonObject } from '../json/json-object.ts'
import { FieldReader } from '../json/field-reader.ts'
import { Refusal, jsonPointer } from '../json/refusal.ts'

/** Members that a heartbeat may have. */
const HEARTBEAT_FIELDS = [
  'heartbeat_id',
  'node_id',
  'sent_at',
  'tier',
  'profile',
  'operator_id',
  'version',
  'agent_count',
  'post_count',
  'ad_impressions',
] as const

const KNOWN: ReadonlySet<string> = new Set(HEARTBEAT_FIELDS)

/** What a node may report about itself; both ends are allowed. */
export const HEARTBEAT_BOUNDS = {
  agentsMax: 1_000_000_000,
  postsMax: 1_000_000_000,
  impressionsMax: 1_000_000,
} as const

const HASH_BYTES = 8

/** Judges one parsed JSON item: returns the heartbeat that it holds, or the first reason to refuse it. */
export function acceptHeartbeat(item: unknown, byAdmin: boolean): InboxHeartbeat | Refusal {
  if (!isJsonObject(item)) return new Refusal('not_an_object', '', 'A heartbeat is a JSON object.')
  for (const name in item) {
    if (!KNOWN.has(name))
      return new Refusal('unknown_field', jsonPointer(name), 'Is no field of a heartbeat.')
  }
  const fields = new FieldReader()
  const heartbeatId = fields.freeText(item['heartbeat_id'], '/heartbeat_id')
  const node_id = fields.id(item['node_id'], '/node_id')
  const sent_at = fields.time(item['sent_at'], '/sent_at')
  const tier = optionalWord(fields, item['tier'], '/tier', NODE_TIERS)
  const profile = optionalWord(fields, item['profile'], '/profile', NODE_PROFILES)
  const operator_id = fields.optionalId(item['operator_id'], '/operator_id')
  const version = item['version'] ?? null
  const software_version = version === null ? null : fields.freeText(version, '/version')
  const agent_count = fields.integer(item['agent_count'], '/agent_count', HEARTBEAT_BOUNDS.agentsMax, null)
  const post_count = fields.integer(item['post_count'], '/post_count', HEARTBEAT_BOUNDS.postsMax, null)
  const impressions = item['ad_impressions']
  const ad_impressions = fields.integer(impressions, '/ad_impressions', HEARTBEAT_BOUNDS.impressionsMax, 0)
  if (!Number.isSafeInteger(sent_at))
    fields.refuse('invalid_time', '/sent_at', 'Is no time that can be kept.')
  if (fields.refusal !== null) return fields.refusal
  return {
    node_id,
    heartbeat_hash: createHash('sha256').update(heartbeatId).digest().subarray(0, HASH_BYTES),
    sent_at,
    by_admin: byAdmin,
    tier,
    profile,
    operator_id,
    software_version,
    agent_count,
    post_count,
    ad_impressions,
  }
}

/**
 * Whether every name in a parsed item is a name of a heartbeat. Where one is not, `acceptHeartbeat` refuses the item
 * whatever it holds.
 */
export function hasHeartbeatNames(item: unknown): boolean {
  return hasOnlyNames(item, KNOWN)
}

function optionalWord<Word extends string>(
  fields: FieldReader,
  value: unknown,
  path: string,
  words: readonly Word[],
): Word | null {
  return value === undefined || value === null ? null : fields.oneOf(value, path, words)
}
