import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  SCHEMA_ID,
  STATE_KEY,
  accountCodec,
  avroType,
  framed,
  inboxCommandCodec,
} from '../../schemas/avro.ts'
import { inboxHeartbeatCodec, outcomeCodec } from '../../schemas/avro.ts'
import type { CommandKind, InboxCommand } from '../../schemas/records.ts'
import { INBOX_START_MS, cost, inboxUsage } from '../../test/support/records/inbox.ts'
import { command, commandId, heartbeat } from '../../test/support/records/inbox-requests.ts'
import { testRulesRecord } from '../../test/support/records/rules.ts'
import { SETTLER_TOPICS, SettlerLog } from '../../test/support/records/settler-log.ts'
import { account } from '../../test/support/records/state-records.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'

/** The size that the account of an ordinary node may have (DESIGN.md, section 6). */
const ORDINARY_BYTES = 600

const ADMIN = { by_admin: true }
const OF_OPERATOR = { by_operator: true }

let commands = 0
const ask = (kind: CommandKind, operator_id: string, by: Partial<InboxCommand> = {}): Buffer =>
  inboxCommandCodec.encode(command(kind, { command_id: commandId(++commands), operator_id, ...by }))
const beat = (operator_id: string | null): Buffer =>
  inboxHeartbeatCodec.encode(heartbeat(++commands, { operator_id, by_admin: true }))
const event = (operator_id: string): Buffer =>
  inboxUsage(0, 1, { entries: [{ node_id: 'node-a', operator_id, cost: cost(1_000_000) }] })

async function logOf(...values: readonly Buffer[]): Promise<SettlerLog> {
  const log = new SettlerLog(
    [testRulesRecord(), ...values].map((value, index) => inputRecord(index, INBOX_START_MS + index, value)),
  )
  await log.run()
  return log
}

async function operatorsAfter(...values: readonly Buffer[]): Promise<[string, boolean][]> {
  const log = await logOf(...values)
  const { operators = [] } = log.accounts().get('node-a') ?? {}
  return operators.map(({ operator_id, confirmed }) => [operator_id, confirmed])
}

test('who says whose a node is decides whether it is confirmed', async () => {
  const cases: readonly (readonly [values: Buffer[], operators: [string, boolean][]])[] = [
    [[event('op')], [['op', false]]],
    [[beat('op')], [['op', false]]],
    [[ask('join', 'op')], [['op', false]]],
    [[ask('join', 'op', ADMIN)], [['op', true]]],
    [[ask('join', 'op', OF_OPERATOR)], [['op', true]]],
    [[event('op'), ask('join', 'op', OF_OPERATOR)], [['op', true]]],
    [[beat('op'), ask('claim', 'op', ADMIN)], [['op', true]]],
    // A name that is not that of the node's operator says nothing about the operator.
    [[beat('op'), ask('join', 'other', ADMIN)], [['op', false]]],
    [[beat('op'), ask('claim', 'other', ADMIN)], [['op', false]]],
    [
      [beat('op'), ask('transfer', 'next', ADMIN)],
      [
        ['op', false],
        ['next', true],
      ],
    ],
    [[beat('op'), ask('transfer', 'op', ADMIN)], [['op', true]]],
    // A confirmed operator stays confirmed, whatever names it afterwards.
    [[ask('join', 'op', ADMIN), beat('op'), event('op'), ask('join', 'op')], [['op', true]]],
    [
      [beat('op'), ask('transfer', 'next', ADMIN), ask('confirm', 'op', ADMIN)],
      [
        ['op', true],
        ['next', true],
      ],
    ],
    [[beat('op'), ask('confirm', 'op')], [['op', false]]],
    [[beat('op'), ask('confirm', 'other', ADMIN)], [['op', false]]],
  ]
  for (const [index, [values, operators]] of cases.entries())
    assert.deepEqual(await operatorsAfter(...values), operators, `case ${index}`)
})

test('confirm is an admin’s, has an outcome and a row of the audit, and says it where the node never had the operator', async () => {
  const [right, wrong, nobodys] = [
    ask('confirm', 'op', ADMIN),
    ask('confirm', 'no', ADMIN),
    ask('confirm', 'op'),
  ]
  const log = await logOf(beat('op'), right, wrong, nobodys, right)
  assert.deepEqual(
    log.rows('audit_log').map(({ kind, status, asked }) => [kind, Number(status), asked]),
    [
      ['confirm', 200, '{"operator_id":"op"}'],
      ['confirm', 409, '{"operator_id":"no"}'],
    ],
  )
  const { command_id } = inboxCommandCodec.decode(right)
  const outcomes = log.values(SETTLER_TOPICS.nodeState, `${STATE_KEY.commands}node-a/${command_id}`)
  assert.deepEqual(
    outcomes.map((value) => outcomeCodec.decode(value).status),
    [200, 200],
  )
  assert.deepEqual(log.rows('dead_letters').length, 1, 'one that no admin asked for is set aside')
})

test('an account of before has nothing confirmed until somebody says so, and keeps all else', async () => {
  const before = account({ node_id: 'node-a', version: 7, operators: ['old', 'op'] })
  const of3 = avroType('account.v3')
  const read = accountCodec.decode(
    framed(SCHEMA_ID.accountV3, [of3.toBuffer({ ...before, inferences: Number(before.inferences) })]),
  )
  assert.deepEqual(
    read.operators.map(({ operator_id, confirmed }) => [operator_id, confirmed]),
    [
      ['old', false],
      ['op', false],
    ],
  )
  assert.deepEqual(accountCodec.encode(read), accountCodec.encode(before))
})

test('an ordinary account takes no more than it may', () => {
  const sum = 10n ** 12n
  const ordinary = account({
    node_id: 'provider-node-0001',
    version: 100_000,
    operators: [
      {
        operator_id: 'provider-operator',
        since: INBOX_START_MS,
        micro_spark: sum,
        entries: 10_000,
        last_entry_at: INBOX_START_MS,
        remainder: 999,
        confirmed: true,
      },
    ],
    first_seen_at: INBOX_START_MS,
    changed_at: INBOX_START_MS,
    watermark: INBOX_START_MS,
    events: 100_000,
    inferences: 100_000n,
    tokens_in: sum,
    tokens_out: sum,
    gpu_ms_measured: sum,
    energy_mwh_measured: sum,
    energy_mwh_compatible: sum,
    cost_nano_usd: sum,
    settled_nano_usd: sum,
    settled_micro_spark: sum,
    settings: [
      { name: 'allow_metered_for_hive', value: true },
      { name: 'metered_daily_limit_usd', value: 5_000_000_000 },
      { name: 'cause_alignment', value: 'democratize_compute' },
    ],
    spend_days: Array.from({ length: 7 }, (_, day) => ({ day: 20_000 + day, nano_usd: sum })),
    uptime: Buffer.alloc(168, 60),
    ad_days: Array.from({ length: 7 }, (_, day) => ({ day: 20_000 + day, impressions: 100 })),
  })
  const { length } = accountCodec.encode(ordinary)
  assert.ok(length <= ORDINARY_BYTES, `${length} bytes`)
})
