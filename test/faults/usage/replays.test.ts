import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAccount } from '../../../pipelines/account/account.ts'
import { countOf, reaches } from './loaded-all.ts'
import { accountText } from './replay-inbox.ts'

const operator = {
  operator_id: 'someone',
  since: 1,
  micro_spark: 5n,
  entries: 1,
  last_entry_at: 2,
  remainder: 0,
  confirmed: true,
}

test('an account as text is another one as soon as anything of it is', () => {
  const account = { ...openAccount('node-1', 0), operators: [operator] }
  assert.equal(
    accountText(account),
    accountText({ ...openAccount('node-1', 0), operators: [{ ...operator }] }),
  )
  for (const change of [
    { settled_micro_spark: 1n },
    { version: 1 },
    { watermark: 1 },
    { changed_at: 1 },
    { uptime: Buffer.from([1]) },
    { operators: [{ ...operator, micro_spark: 6n }] },
    { operators: [{ ...operator, operator_id: 'another' }] },
  ]) {
    assert.notEqual(accountText({ ...account, ...change }), accountText(account))
  }
})

test('all blocks are loaded where every partition of every topic has come to its newest', () => {
  const newest = new Map([
    ['usage', [3, 5]],
    ['settlement', [0, 2]],
  ])
  assert.equal(countOf(newest), 10)
  assert.ok(reaches(newest, newest))
  assert.ok(!reaches(new Map([...newest, ['usage', [3, 4]]]), newest))
  assert.ok(!reaches(new Map([['usage', [3, 5]]]), newest))
  assert.ok(reaches(new Map([...newest, ['usage', [9, 9]]]), newest))
})
