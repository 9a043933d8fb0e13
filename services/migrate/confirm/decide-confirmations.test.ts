import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditOperatorRow } from '../../../pipelines/clickhouse/queries/audit.ts'
import { commandFault } from '../../../pipelines/account/inbox-bounds.ts'
import { inboxCommandCodec } from '../../../schemas/avro.ts'
import { confirmCommand, decideConfirmations, namedByAdmins } from './decide-confirmations.ts'
import type { NamedOperator } from './decide-confirmations.ts'

const ADMIN_KEY = 'a'.repeat(16)

function named(nodeId: string, operatorId: string, fields: Partial<NamedOperator> = {}): NamedOperator {
  return { nodeId, operatorId, isConfirmed: false, isOfBefore: true, ...fields }
}

function row(kind: AuditOperatorRow['kind'], caller: string, operator_id: string | null): AuditOperatorRow {
  return { node_id: 'n', kind, caller, asked: JSON.stringify({ operator_id }) }
}

test('an operator that a second node names is left to a person, on both of them', () => {
  const victims = [named('victim', 'op'), named('attacker', 'op')]
  assert.deepEqual(decideConfirmations(victims, new Set()), [])
  // Also where the node itself was given to another operator since, or is confirmed already.
  assert.deepEqual(
    decideConfirmations([named('victim', 'op', { isConfirmed: true }), victims[1]!], new Set()),
    [],
  )
  assert.deepEqual(decideConfirmations(victims, new Set(['victim op'])), [
    { nodeId: 'victim', operatorId: 'op', because: 'an admin named it' },
  ])
})

test('an operator of before with one node is confirmed, one that came later is not', () => {
  assert.deepEqual(decideConfirmations([named('n', 'op')], new Set()), [
    { nodeId: 'n', operatorId: 'op', because: 'no other node has ever named it' },
  ])
  assert.deepEqual(decideConfirmations([named('n', 'op', { isOfBefore: false })], new Set()), [])
  assert.deepEqual(decideConfirmations([named('n', 'op', { isConfirmed: true })], new Set()), [])
})

test('claims and transfers are an admin’s word, a join where its key was an admin’s', () => {
  const all = [
    row('claim', 'jwt:somebody', 'claimed'),
    row('transfer', 'key:gone', 'transferred'),
    row('join', `key:${ADMIN_KEY}`, 'joined'),
    row('join', 'loopback', 'joined-without-access'),
    row('join', 'key:ffffffffffffffff', 'of-a-provider'),
    row('join', `jwt:${ADMIN_KEY}`, 'of-a-token'),
    row('join', `key:${ADMIN_KEY}`, null),
  ]
  assert.deepEqual(
    [...namedByAdmins(all, new Set([ADMIN_KEY]))],
    ['n claimed', 'n transferred', 'n joined', 'n joined-without-access'],
  )
})

test('the command is one that an admin may send, and the same one each time', () => {
  const made = confirmCommand({ nodeId: 'n', operatorId: 'op' })
  assert.equal(commandFault(made), null)
  assert.deepEqual({ ...inboxCommandCodec.decode(inboxCommandCodec.encode(made)) }, made)
  assert.deepEqual(confirmCommand({ nodeId: 'n', operatorId: 'op' }), made)
  assert.notEqual(confirmCommand({ nodeId: 'n', operatorId: 'other' }).command_id, made.command_id)
})
