import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  inboxAuditCodec,
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
} from '../../schemas/avro.ts'
import { AUDIT_COUNT_MAX, SEEN_KINDS } from '../../schemas/audit.ts'
import type { InboxAudit, InboxCommand, InboxConfigure, InboxHeartbeat } from '../../schemas/records.ts'
import { RULES } from '../../schemas/since.ts'
import {
  arePossibleRules,
  isPossibleAudit,
  isPossibleCommand,
  isPossibleHeartbeat,
} from '../../services/verify/account/bounds.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { assertAccounts } from '../../test/support/oracles/account-comparison.ts'
import { INBOX_START_MS } from '../../test/support/records/inbox.ts'
import { command, commandId, heartbeat, seen } from '../../test/support/records/inbox-requests.ts'
import { testRules, testRulesRecord } from '../../test/support/records/rules.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { auditFault, commandFault, configureFault, heartbeatFault } from './inbox-bounds.ts'

/** The largest number that avsc carries. */
const FAR = 2 ** 52 - 1
const numbers = fc.oneof(
  fc.integer({ min: -FAR, max: FAR }),
  fc.constantFrom(
    -FAR,
    -1_000_000_000_000_000,
    -1,
    0,
    1,
    1_000_000,
    1_000_001,
    86_400_000,
    86_400_001,
    10 ** 9,
    10 ** 9 + 1,
    10 ** 15,
    10 ** 15 + 1,
    FAR,
  ),
)
const texts = fc.oneof(
  fc.constantFrom(
    '',
    'zz',
    'node-a',
    '!task',
    '!tick',
    'a'.repeat(64),
    'a'.repeat(65),
    'a b',
    '\u0000',
    commandId(7),
    'x'.repeat(2_000),
  ),
  fc.string({ unit: 'binary', maxLength: 70 }),
)
const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(values, { nil: null, freq: 3 })
const settings = fc.array(
  fc.oneof(
    fc.record({ name: fc.constant('metered_daily_limit_usd' as const), value: orNull(numbers) }),
    fc.record({ name: fc.constant('min_settlement_spark' as const), value: numbers }),
    fc.record({ name: fc.constantFrom('compute_policy', 'cause_alignment'), value: texts }),
    fc.record({ name: fc.constant('auto_settle' as const), value: fc.oneof(fc.boolean(), numbers) }),
  ),
  { maxLength: 3 },
) as fc.Arbitrary<InboxCommand['changes']>

/** A possible command, with some of its fields set to any value that the schema carries. */
const commands: fc.Arbitrary<InboxCommand> = fc
  .record(
    {
      kind: fc.constantFrom(
        'settings',
        'join',
        'claim',
        'transfer',
        'reserve',
        'release',
        'settle',
        'confirm',
      ),
      command_id: texts,
      node_id: texts,
      // Rows are read back as bytes, which do not distinguish the other characters that it may hold.
      caller: fc.constantFrom('', 'key:1', 'x'.repeat(1_000), 'x'.repeat(1_001)),
      expected: orNull(texts),
      operator_id: orNull(texts),
      reservation_id: orNull(texts),
      cost_nano_usd: numbers,
      ttl_ms: numbers,
      changes: settings,
      older_id: orNull(texts),
      by_admin: fc.boolean(),
    },
    { requiredKeys: ['kind'] },
  )
  .map(({ kind, ...fields }) => command(kind, fields as Partial<InboxCommand>))

const heartbeats: fc.Arbitrary<InboxHeartbeat> = fc
  .record(
    {
      node_id: texts,
      operator_id: orNull(texts),
      software_version: orNull(texts),
      agent_count: orNull(numbers),
      post_count: orNull(numbers),
      ad_impressions: numbers,
      sent_at: numbers,
    },
    { requiredKeys: [] },
  )
  .map((fields) => heartbeat(1, fields as Partial<InboxHeartbeat>))

const rules: fc.Arbitrary<InboxConfigure> = fc
  .record(
    {
      version: fc.integer(),
      spark_per_usd: numbers,
      overrides: settings,
      liveness: fc.array(fc.record({ stale_ms: numbers, dead_ms: numbers }), { maxLength: 4 }),
    },
    { requiredKeys: [] },
  )
  .map((fields) => testRules(fields as Partial<InboxConfigure>))

const shownTexts = fc.oneof(
  fc.constantFrom('', 'key:1', 'a'.repeat(100), 'a'.repeat(101), 'a'.repeat(200), 'a'.repeat(201), '\u0000'),
  fc.constantFrom('a'.repeat(1_000), 'a'.repeat(1_001), '\ud800', '\u0378'),
)
const auditsOf = (shown: fc.Arbitrary<string>): fc.Arbitrary<InboxAudit> =>
  fc
    .record(
      {
        kind: fc.constantFrom(...SEEN_KINDS),
        subject: shown,
        node_id: texts,
        address: shown,
        before: shown,
        after: shown,
        reason: shown,
        count: fc.oneof(numbers, fc.constantFrom(0, 1, AUDIT_COUNT_MAX, AUDIT_COUNT_MAX + 1)),
      },
      { requiredKeys: [] },
    )
    .map((fields) => seen(fields as Partial<InboxAudit>))

test('settler and verify agree on what can be a request or a rule, each by its own words', () => {
  const runs = { numRuns: 3_000 }
  fc.assert(
    fc.property(commands, (one) => assert.equal(commandFault(one) === null, isPossibleCommand(one))),
    runs,
  )
  fc.assert(
    fc.property(heartbeats, (one) => assert.equal(heartbeatFault(one) === null, isPossibleHeartbeat(one))),
    runs,
  )
  fc.assert(
    fc.property(rules, (one) => assert.equal(configureFault(one) === null, arePossibleRules(one))),
    runs,
  )
  fc.assert(
    fc.property(auditsOf(shownTexts), (one) => assert.equal(auditFault(one) === null, isPossibleAudit(one))),
    runs,
  )
})

test('whatever a record of the inbox says, the task goes on, and the accounts are what verify works out', async () => {
  const record = fc.oneof(
    commands.map((one) => inboxCommandCodec.encode(one)),
    heartbeats.map((one) => inboxHeartbeatCodec.encode(one)),
    rules.map((one) => inboxConfigureCodec.encode(one)),
    // Rows are read back as bytes, as above.
    auditsOf(shownTexts.filter((text) => /^\p{ASCII}*$/u.test(text))).map((one) =>
      inboxAuditCodec.encode(one),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 12 }), async (values) => {
      const input = [testRulesRecord(), ...values].map((value, at) =>
        inputRecord(at, INBOX_START_MS + at, value),
      )
      const log = new SettlerLog(input)
      await log.run()
      const model = AccountModel.fromZero()
      model.since = [{ rules: RULES, offset: 0 }]
      for (const one of input) model.apply(one)
      assertAccounts(log.written(), model)
      assert.equal(log.task()?.position, input.length)
    }),
    { numRuns: 300 },
  )
})

test('what lifted a limit or looped for ever is a letter', async () => {
  const limit = [{ name: 'metered_daily_limit_usd' as const, value: 5 }]
  const of = (fields: Partial<InboxCommand>): Buffer =>
    inboxCommandCodec.encode(
      command('reserve', { command_id: commandId(2), cost_nano_usd: 1, ttl_ms: 1, ...fields }),
    )
  const values = [
    testRulesRecord(),
    inboxCommandCodec.encode(command('settings', { command_id: commandId(1), changes: limit })),
    of({ cost_nano_usd: -1_000_000_000_000_000 }),
    of({ ttl_ms: FAR }),
    of({ command_id: 'zz' }),
    inboxHeartbeatCodec.encode(heartbeat(1, { ad_impressions: -5 })),
    inboxConfigureCodec.encode(testRules({ version: 2, spark_per_usd: 2_000_000 })),
    inboxAuditCodec.encode(seen({ count: 0 })),
  ]
  const log = new SettlerLog(values.map((value, at) => inputRecord(at, INBOX_START_MS + at, value)))
  await log.run()
  assert.deepEqual(
    log.rows('dead_letters').map((row) => [row['record_offset'], row['reasons'], row['details']]),
    [
      [2n, ['malformed'], ['cost_nano_usd is out of its range']],
      [3n, ['malformed'], ['ttl_ms is out of its range']],
      [4n, ['malformed'], ['command_id is no UUID']],
      [5n, ['malformed'], ['ad_impressions is out of its range']],
      [6n, ['malformed'], ['spark_per_usd is out of its range']],
      [7n, ['malformed'], ['count is out of its range']],
    ],
  )
  assert.deepEqual(log.accounts().get('node-a')?.reservations, [])
})
