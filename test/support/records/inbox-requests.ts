import * as fc from 'fast-check'
import { CAPS_DEFAULT } from '../../../schemas/older-records.ts'
import { AUDIT_COUNT_MAX, SEEN_KINDS } from '../../../schemas/audit.ts'
import type {
  Caps,
  CommandKind,
  InboxAudit,
  InboxCommand,
  InboxConfigure,
  InboxHeartbeat,
} from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import { testRules } from './rules.ts'

/** Commands, heartbeats and rules in account.inbox, for tests of the settler: chosen ones, and arbitrary ones. */

/** A UUID made from a number. */
export function commandId(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
}

export function command(kind: CommandKind, fields: Partial<InboxCommand> = {}): InboxCommand {
  return {
    command_id: commandId(1),
    node_id: 'node-a',
    caller: 'test',
    body_hash: Buffer.alloc(16, 5),
    kind,
    expected: null,
    changes: [],
    operator_id: null,
    cost_nano_usd: 0,
    ttl_ms: 0,
    reservation_id: null,
    older_id: null,
    by_admin: false,
    by_operator: false,
    ...fields,
  }
}

/** `number` makes the heartbeat's id: the same one is a repeat. */
export function heartbeat(number: number, fields: Partial<InboxHeartbeat> = {}): InboxHeartbeat {
  const heartbeat_hash = Buffer.alloc(8)
  heartbeat_hash.writeUInt32BE(number, 4)
  return {
    node_id: 'node-a',
    heartbeat_hash,
    sent_at: 0,
    by_admin: false,
    tier: null,
    profile: null,
    operator_id: null,
    software_version: null,
    agent_count: null,
    post_count: null,
    ad_impressions: 0,
    ...fields,
  }
}

const nothing = fc.constant(null)
const operators = fc.constantFrom('op-1', 'op-2', 'op-3')
const reservationIds = fc.constantFrom('reservation-1', 'reservation-2', 'reservation-3')

const setting: fc.Arbitrary<Setting> = fc.oneof(
  fc.constantFrom(0, null, 100_000_000, 300_000_000, 300_000_000, 1_000_000_000).map((value) => ({
    name: 'metered_daily_limit_usd' as const,
    value,
  })),
  fc.constantFrom(0, 10, 50, 1_000).map((value) => ({ name: 'min_settlement_spark' as const, value })),
  fc.boolean().map((value) => ({ name: 'auto_settle' as const, value })),
  fc.boolean().map((value) => ({ name: 'allow_metered_for_hive' as const, value })),
  fc.constantFrom(null, 286_000_000).map((value) => ({ name: 'electricity_rate_kwh' as const, value })),
  fc.constantFrom('frontier_training', 'nonsense').map((value) => ({
    name: 'cause_alignment' as const,
    value,
  })),
)

const fieldsOfKind: fc.Arbitrary<Partial<InboxCommand> & { readonly kind: CommandKind }> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settings' as const),
      changes: fc.array(setting, { minLength: 1, maxLength: 3 }),
      expected: fc.oneof({ weight: 4, arbitrary: nothing }, fc.constantFrom('"0.1"', '"1.1"', '"2.1"')),
    }),
  },
  fc.record({
    kind: fc.constant('join' as const),
    changes: fc.array(setting, { maxLength: 1 }),
    operator_id: fc.option(operators, { nil: null }),
  }),
  fc.record({
    kind: fc.constantFrom('claim' as const, 'transfer' as const, 'confirm' as const),
    operator_id: operators,
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      cost_nano_usd: fc.constantFrom(1, 100_000_000, 400_000_000),
      ttl_ms: fc.constantFrom(1_000, 600_000, 86_000_000),
      reservation_id: fc.option(reservationIds, { nil: null, freq: 3 }),
    }),
  },
  fc.record({ kind: fc.constant('release' as const), reservation_id: reservationIds }),
  fc.record({ kind: fc.constant('settle' as const) }),
)

/** A command for one of these nodes; the caller numbers it. */
export function anyCommand(nodes: readonly string[]): fc.Arbitrary<InboxCommand> {
  return fc
    .record({
      node_id: fc.constantFrom(...nodes),
      by_admin: fc.boolean(),
      by_operator: fc.boolean(),
      fieldsOfKind,
    })
    .map(({ fieldsOfKind: { kind, ...fields }, ...asker }) => command(kind, { ...fields, ...asker }))
}

/** Entries of the audit from a server or a command. */
export function seen(fields: Partial<InboxAudit> = {}): InboxAudit {
  return {
    entry_id: Buffer.alloc(16, 7),
    kind: 'credential_refused',
    subject: 'address:127.0.0.1',
    node_id: '',
    address: '127.0.0.1',
    before: '',
    after: '',
    count: 1,
    reason: 'no_credential',
    ...fields,
  }
}

/** One of a few records of the audit; the same id means one that was sent again. */
export const anySeen: fc.Arbitrary<InboxAudit> = fc
  .record({
    kind: fc.constantFrom(...SEEN_KINDS),
    id: fc.nat(5),
    subject: fc.constantFrom('key:0123456789abcdef', 'jwt:ana', 'others'),
    node_id: fc.constantFrom('', 'node-a'),
    after: fc.constantFrom('', 'client ana'),
    count: fc.constantFrom(1, 1_000, AUDIT_COUNT_MAX),
  })
  .map(({ id, ...fields }) => seen({ entry_id: Buffer.alloc(16, id), ...fields }))

/** A heartbeat of one of these nodes; one in a few is a repeat of one that may be long ago. */
export function anyHeartbeat(nodes: readonly string[]): fc.Arbitrary<InboxHeartbeat> {
  return fc
    .record({
      number: fc.nat(40),
      node_id: fc.constantFrom(...nodes),
      by_admin: fc.boolean(),
      tier: fc.option(fc.constantFrom('flat' as const, 'regional' as const, 'central' as const), {
        nil: null,
        freq: 2,
      }),
      profile: fc.option(fc.constantFrom('full' as const, 'constrained' as const, 'minimal' as const), {
        nil: null,
      }),
      operator_id: fc.option(operators, { nil: null }),
      software_version: fc.option(fc.constant('1.2.3'), { nil: null }),
      agent_count: fc.option(fc.constantFrom(0, 9, 10, 60, 700), { nil: null }),
      post_count: fc.option(fc.nat(50), { nil: null }),
      ad_impressions: fc.constantFrom(0, 0, 1, 11, 99, 250),
    })
    .map(({ number, ...fields }) => heartbeat(number, fields))
}

/** Caps that a few heartbeats and costs reach. */
const CAPS_LOW: Caps = { impressions: 120, agents: 50, posts: 1, reward_spark: 15, minimum_spark: 2 }

/** Rules of these versions; most of them allow metered work. */
export const anyRules: fc.Arbitrary<InboxConfigure> = fc
  .record({
    version: fc.integer({ min: 1, max: 4 }),
    spark_per_usd: fc.constantFrom(1, 100, 200),
    spark_mode: fc.constantFrom('compatible' as const, 'exact' as const),
    isAllowed: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    staleMs: fc.constantFrom(60_000, 300_000, 10_000_000),
    minimum: fc.option(fc.constantFrom(0, 1, 30), { nil: null, freq: 2 }),
    limit: fc.option(fc.constantFrom(150_000_000, 400_000_000, 2_000_000_000), { nil: null, freq: 2 }),
    caps: fc.constantFrom(CAPS_DEFAULT, CAPS_LOW, CAPS_LOW),
  })
  .map(({ isAllowed, staleMs, minimum, limit, ...fields }) => {
    const { overrides, liveness } = testRules()
    const more: Setting[] = []
    if (minimum !== null) more.push({ name: 'min_settlement_spark', value: minimum })
    if (limit !== null) more.push({ name: 'metered_daily_limit_usd', value: limit })
    return testRules({
      ...fields,
      overrides: [...(isAllowed ? overrides : []), ...more],
      liveness: liveness.map(({ dead_ms }) => ({ stale_ms: staleMs, dead_ms: dead_ms + staleMs })),
    })
  })
