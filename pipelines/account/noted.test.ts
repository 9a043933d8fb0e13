import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboxAuditCodec, inboxCommandCodec, inboxHeartbeatCodec } from '../../schemas/avro.ts'
import type { InboxHeartbeat } from '../../schemas/records.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { INBOX_START_MS, inboxUsage, nodeSum } from '../../test/support/records/inbox.ts'
import { command, commandId, heartbeat, seen } from '../../test/support/records/inbox-requests.ts'
import { testRulesRecord } from '../../test/support/records/rules.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'

const beat = (number: number, fields: Partial<InboxHeartbeat>): Buffer =>
  inboxHeartbeatCodec.encode(heartbeat(number, { node_id: 'node-a', ...fields }))

const named = (from: number, operator_id: string): Buffer =>
  inboxUsage(from, from + 1, {
    entries: [{ node_id: 'node-b', operator_id, cost: null }],
    sums: [nodeSum('node-b')],
  })

async function settled(values: readonly Buffer[]): Promise<SettlerLog> {
  const log = new SettlerLog(
    [testRulesRecord(), ...values].map((value, at) => inputRecord(at, INBOX_START_MS + at, value)),
  )
  await log.run()
  return log
}

const COLUMNS = [
  'noted_at',
  'kind',
  'subject',
  'node_id',
  'address',
  'value_before',
  'value_after',
  'times',
  'reason',
]

/** The time in milliseconds since the first record. */
function notesOf(log: SettlerLog): unknown[] {
  return log
    .rows('audit')
    .map((row) =>
      COLUMNS.map((name) => (name === 'noted_at' ? Number(row[name]) - INBOX_START_MS : row[name])),
    )
}

test('a tier that changes is a row, with both tiers and who may have said so; the same one again is none', async () => {
  const log = await settled([
    beat(1, { tier: 'flat' }),
    beat(2, { tier: 'regional' }),
    beat(2, { tier: 'regional' }),
    beat(3, { tier: 'regional' }),
    // The node may not set this itself.
    beat(4, { tier: 'central' }),
    beat(5, { tier: 'central', by_admin: true }),
    beat(6, { tier: 'flat' }),
  ])
  assert.deepEqual(notesOf(log), [
    [2, 'tier_changed', '', 'node-a', '', 'flat', 'regional', 1n, 'heartbeat'],
    [6, 'tier_changed', '', 'node-a', '', 'regional', 'central', 1n, 'heartbeat of an admin'],
  ])
})

test('the first operator that an event or a heartbeat names is a row; of a join the command is', async () => {
  const join = command('join', { command_id: commandId(1), node_id: 'node-c', operator_id: 'op-3' })
  const log = await settled([
    named(0, 'op-1'),
    named(1, 'op-2'),
    beat(1, { operator_id: 'op-2' }),
    beat(2, { operator_id: 'op-1' }),
    inboxCommandCodec.encode(join),
    beat(3, { node_id: 'node-c', operator_id: 'op-1' }),
  ])
  assert.deepEqual(notesOf(log), [
    [1, 'operator_named', '', 'node-b', '', '', 'op-1', 1n, 'event'],
    [3, 'operator_named', '', 'node-a', '', '', 'op-2', 1n, 'heartbeat'],
  ])
})

test('what a server saw is a row, at its receipt, and makes no account', async () => {
  const made = {
    kind: 'key_made',
    subject: 'key:0123456789abcdef',
    address: '',
    after: 'ana; admin',
  } as const
  const log = await settled([
    inboxAuditCodec.encode(seen({ ...made, reason: 'keys command' })),
    inboxAuditCodec.encode(seen({ kind: 'foreign_node', subject: 'jwt:ana', node_id: 'n', count: 1_000 })),
  ])
  assert.deepEqual(notesOf(log), [
    [1, 'key_made', made.subject, '', '', '', made.after, 1n, 'keys command'],
    [2, 'foreign_node', 'jwt:ana', 'n', '127.0.0.1', '', '', 1_000n, 'no_credential'],
  ])
  assert.equal(log.accounts().size, 0)
})

test('records of before the rule made no rows, and verify expects none; such a record of the audit was a letter', () => {
  const model = AccountModel.fromZero()
  model.since = [
    { rules: 2, offset: 0 },
    { rules: 3, offset: 5 },
  ]
  const values = [
    testRulesRecord(),
    beat(1, { tier: 'regional', operator_id: 'op-1' }),
    named(0, 'op-1'),
    inboxAuditCodec.encode(seen()),
    beat(2, { tier: 'flat' }),
    beat(3, { tier: 'regional' }),
    inboxAuditCodec.encode(seen()),
  ]
  for (const [at, value] of values.entries()) model.apply(inputRecord(at, INBOX_START_MS + at, value))
  assert.deepEqual(
    [...model.rows.noted.values()].map((row) => [row['value_before'], row['value_after'], row['subject']]),
    [
      ['flat', 'regional', ''],
      ['', '', 'address:127.0.0.1'],
    ],
  )
  assert.deepEqual(
    model.setAside.map(({ record, reasons }) => [record.offset, reasons]),
    [[3n, [{ index: -1, reason: 'unknown_schema' }]]],
  )
})
