import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OTHERS, SUBJECT_CHARACTERS_MAX } from '../../schemas/audit.ts'
import { AUDIT_ENTRIES_MAX, Refusals } from './refusals.ts'
import type { Refusal } from './refusals.ts'

function refusal(fields: Partial<Refusal> = {}): Refusal {
  const address = '10.0.0.1'
  const subject = `address:${address}`
  return { kind: 'credential_refused', subject, address, nodeId: '', reason: 'no_credential', ...fields }
}

test('one entry a kind and subject, with what the first said, and their number', () => {
  const refusals = new Refusals()
  refusals.add(refusal(), 1, 0)
  refusals.add(refusal({ reason: 'unknown_key', address: '10.0.0.2' }), 998, 0)
  refusals.add(refusal({ kind: 'foreign_node', nodeId: 'n' }), 3, 0)
  refusals.add(refusal(), 1, 0)
  const entries = refusals.take()
  assert.deepEqual(
    entries.map(({ kind, count, reason, address, node_id }) => [kind, count, reason, address, node_id]),
    [
      ['credential_refused', 1_000, 'no_credential', '10.0.0.1', ''],
      ['foreign_node', 3, 'no_credential', '10.0.0.1', 'n'],
    ],
  )
  assert.deepEqual([refusals.size, refusals.take()], [0, []])
})

test('a flood of addresses fills a bounded room, and not one refusal of it goes uncounted', () => {
  const refusals = new Refusals()
  const flood = 20_000
  for (let at = 0; at < flood; at++) refusals.add(refusal({ subject: `address:${at}` }), 1, 0)
  refusals.add(refusal({ kind: 'foreign_node', subject: 'key:1' }), 5, 0)
  // Subjects that were there before are still counted apart.
  refusals.add(refusal({ subject: 'address:7' }), 1, 0)
  assert.equal(refusals.size, AUDIT_ENTRIES_MAX + 2)
  const entries = refusals.take()
  const counts = new Map(entries.map(({ kind, subject, count }) => [`${kind} ${subject}`, count]))
  assert.equal(counts.get(`credential_refused ${OTHERS}`), flood - AUDIT_ENTRIES_MAX)
  assert.equal(counts.get(`foreign_node ${OTHERS}`), 5)
  assert.equal(counts.get('credential_refused address:7'), 2)
  assert.equal(
    entries.reduce((sum, { count }) => sum + count, 0),
    flood + 6,
  )
})

test('what is kept elsewhere takes room as well', () => {
  const refusals = new Refusals()
  for (let at = 0; at < 10; at++)
    refusals.add(refusal({ subject: `address:${at}` }), 1, AUDIT_ENTRIES_MAX - 3)
  assert.deepEqual(
    refusals.take().map(({ subject, count }) => [subject, count]),
    [
      ['address:0', 1],
      ['address:1', 1],
      ['address:2', 1],
      [OTHERS, 7],
    ],
  )
})

test('a name that a token chose is cut, and shows no character that could not stand in a record', () => {
  const refusals = new Refusals()
  refusals.add(refusal({ subject: `jwt:${'a'.repeat(SUBJECT_CHARACTERS_MAX - 5)}\u{1f600}` }), 1, 0)
  refusals.add(refusal({ subject: 'jwt:a\nb\u0000' }), 1, 0)
  assert.deepEqual(
    refusals.take().map(({ subject }) => subject),
    [`jwt:${'a'.repeat(SUBJECT_CHARACTERS_MAX - 5)}?`, 'jwt:a?b?'],
  )
})
