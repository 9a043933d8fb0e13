import type { Dice } from '../../../infra/local/sample/random.ts'
import { SCHEMA_ID, inboxUsageCodec, schemaIdOf } from '../../../schemas/avro.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import { COMMAND_KINDS } from '../../../schemas/records.ts'
import { SETTING_NAMES, settingSpec } from '../../../schemas/settings.ts'
import type { Setting } from '../../../schemas/settings.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { damaged, randomBytes } from './fuzzed-bytes.ts'
import { command, heartbeat } from './inbox-requests.ts'
import { lenientEncoder } from './lenient-avro.ts'
import { testRules } from './rules.ts'

/**
 * Commands, heartbeats and rules in account.inbox that are as far from ordinary as they can be, and records that are none
 * of these.
 */

/** The nodes that requests are about, and the rules that they may bring. */
export interface FuzzedRequests {
  readonly nodes: readonly string[]
  /** Versions of rules, each equally likely. A run that must keep its rules allows none of them to come into force. */
  readonly versions: readonly number[]
}

const NAMES = [
  '',
  ' ',
  '!task',
  '!cmd/x',
  '!beats/n',
  'n'.repeat(64),
  'n'.repeat(65),
  '\u0000',
  'näme',
  'a/b',
  'op-1',
]
const TEXTS = ['', 'x', '"0.1"', 'x'.repeat(1_000), 'x'.repeat(1_001), '\u0000\n', '"', '€😀']
const UUIDS = [
  'zz',
  '',
  '00000000-0000-4000-8000-00000000000A',
  '00000000-0000-4000-8000-00000000000a',
  'f'.repeat(36),
]
const VERSIONS = ['', '1.2.3', 'v'.repeat(128), 'v'.repeat(129), 'a\nb', '\u0378', '€']

const DAY_MS = 86_400_000
/** Values beyond every bound: what a double holds, what 64 bits hold, and negative numbers. */
const FAR = [-1, -1_000_000_000_000_000, 2 ** 53 - 2, 2 ** 53, 2 ** 62, -(2 ** 62)]
const COSTS = [0, 1, USAGE_BOUNDS.costNanoUsdMax, USAGE_BOUNDS.costNanoUsdMax + 1, ...FAR]
const TTLS_MS = [0, 1, DAY_MS, DAY_MS + 1, ...FAR]
const COUNTS = [null, 0, 1, 10, 500, 1_000_000, 1_000_000_000, 1_000_000_001, ...FAR]
const IMPRESSIONS = [0, 1, 99, 10_000, 1_000_000, 1_000_001, ...FAR]
const RATES = [1, 100, 1_000_000, 1_000_001, 0, ...FAR]
const SILENCES_MS = [1, 300_000, 864_000_000, 864_000_001, 0, ...FAR]
const CAPS = [0, 1, 1_000_000_000, 1_000_000_001, ...FAR]
const SETTING_VALUES = [null, true, false, 0, 1, -1, 100, 101, 'any', 'nonsense', '', 2 ** 53, 2 ** 62]

const encodeCommand = lenientEncoder(SCHEMA_ID.inboxCommand, 'inbox-command.v3')
const encodeHeartbeat = lenientEncoder(SCHEMA_ID.inboxHeartbeat, 'inbox-heartbeat.v1')
const encodeConfigure = lenientEncoder(SCHEMA_ID.inboxConfigure, 'inbox-configure.v3')

/**
 * A value for account.inbox: bytes that may be a request or not. Never a range of usage: only the aggregator may write
 * those.
 */
export function fuzzedRequest(dice: Dice, requests: FuzzedRequests): Buffer | null {
  for (;;) {
    const value = damaged(dice, request(dice, requests))
    if (!inboxUsageCodec.schemaIds.includes(schemaIdOf(value))) return value
  }
}

function request(dice: Dice, { nodes, versions }: FuzzedRequests): Buffer {
  const chance = dice.next()
  if (chance < 0.55) return fuzzedCommand(dice, dice.pick(nodes))
  if (chance < 0.95) return fuzzedHeartbeat(dice, dice.pick(nodes))
  return fuzzedConfigure(dice, dice.pick(versions))
}

/** Sets up to two of the fields, each to one of its values. */
function odd<Fields extends object>(
  dice: Dice,
  fields: Fields,
  values: Readonly<Partial<Record<keyof Fields, readonly unknown[]>>>,
): Fields {
  const changed: Record<string, unknown> = {}
  const names = Object.keys(values) as (keyof Fields & string)[]
  for (let changes = dice.between(0, 2); changes > 0; changes--) {
    const name = dice.pick(names)
    changed[name] = dice.pick(values[name] ?? [])
  }
  return { ...fields, ...changed }
}

function fuzzedCommand(dice: Dice, node_id: string): Buffer {
  const kind = dice.pick(COMMAND_KINDS)
  const names = { operator_id: [null, ...NAMES], reservation_id: [null, ...NAMES], node_id: NAMES }
  const ordinary = command(kind, {
    node_id,
    command_id: formatUuid(randomBytes(dice, 16)),
    caller: dice.pick(['key:1', 'key:2', 'jwt:a']),
    by_admin: dice.next() < 0.2,
    by_operator: dice.next() < 0.2,
    operator_id: kind === 'claim' || kind === 'transfer' ? dice.pick(['op-1', 'op-2']) : null,
    reservation_id: dice.next() < 0.7 ? `r-${dice.between(1, 9)}` : null,
    cost_nano_usd: kind === 'reserve' ? dice.between(1, 1_000_000_000) : 0,
    ttl_ms: kind === 'reserve' ? dice.between(1, DAY_MS) : 0,
    changes: kind === 'settings' || kind === 'join' ? fuzzedSettings(dice) : [],
  })
  return encodeCommand(
    odd(dice, ordinary, {
      ...names,
      command_id: UUIDS,
      older_id: [null, ...UUIDS],
      caller: TEXTS,
      expected: [null, ...TEXTS],
      cost_nano_usd: COSTS,
      ttl_ms: TTLS_MS,
    }),
  )
}

/** Values at the bounds of settings; some fit another setting's kind, and now and then one is there twice. */
function fuzzedSettings(dice: Dice): Setting[] {
  return Array.from({ length: dice.between(0, dice.next() < 0.1 ? 14 : 2) }, () => {
    const name = dice.pick(SETTING_NAMES)
    const { minimum = 0, maximum = 0, words = [], default: usual } = settingSpec(name)
    const own = [usual, usual, minimum, maximum, maximum + 1, minimum - 1, ...words]
    return { name, value: dice.next() < 0.8 ? dice.pick(own) : dice.pick(SETTING_VALUES) }
  })
}

function fuzzedHeartbeat(dice: Dice, node_id: string): Buffer {
  const ordinary = heartbeat(0, {
    node_id,
    heartbeat_hash: randomBytes(dice, 8),
    by_admin: dice.next() < 0.2,
    tier: dice.pick([null, 'flat', 'regional', 'central'] as const),
    profile: dice.pick([null, 'full', 'constrained', 'minimal'] as const),
    operator_id: dice.pick([null, null, 'op-1', 'op-2']),
    agent_count: dice.pick([null, 0, 9, 12, 60]),
    ad_impressions: dice.between(0, 50),
  })
  return encodeHeartbeat(
    odd(dice, ordinary, {
      node_id: NAMES,
      sent_at: FAR,
      operator_id: NAMES,
      software_version: VERSIONS,
      agent_count: COUNTS,
      post_count: COUNTS,
      ad_impressions: IMPRESSIONS,
    }),
  )
}

function fuzzedConfigure(dice: Dice, version: number): Buffer {
  const thresholds = () => ({ stale_ms: dice.pick(SILENCES_MS), dead_ms: dice.pick(SILENCES_MS) })
  const { caps, ...ordinary } = testRules({
    version,
    spark_mode: dice.pick(['compatible', 'exact'] as const),
  })
  const odder = odd(dice, ordinary, {
    version: [0, -1, 2 ** 31, 2 ** 40],
    spark_per_usd: RATES,
    overrides: [fuzzedSettings(dice)],
    liveness: [
      [],
      [thresholds()],
      Array.from({ length: 3 }, thresholds),
      Array.from({ length: 4 }, thresholds),
    ],
  })
  const oddCap = { agents: CAPS, posts: CAPS, impressions: CAPS, reward_spark: CAPS, minimum_spark: CAPS }
  return encodeConfigure({ ...odder, caps: odd(dice, caps, oddCap) })
}
