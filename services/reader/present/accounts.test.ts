import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from './accounts.ts'
import {
  account,
  accountRecord,
  fenceRecord,
  taskRecord,
  tombstone,
} from '../../../test/support/records/state-records.ts'

test('an account replaces another only with a higher version', () => {
  const accounts = new Accounts(4)
  accounts.apply(accountRecord(0, account({ node_id: 'n', version: 5, inferences: 50n })))
  accounts.apply(accountRecord(0, account({ node_id: 'n', version: 4, inferences: 40n })))
  accounts.apply(accountRecord(0, account({ node_id: 'n', version: 5, inferences: 55n })))
  assert.equal(accounts.account('n')?.inferences, 50n)
  accounts.apply(accountRecord(0, account({ node_id: 'n', version: 6, inferences: 60n })))
  assert.equal(accounts.account('n')?.inferences, 60n)
  assert.equal(accounts.size, 1)
})

test('a tombstone forgets the node and its place at its operators', () => {
  const accounts = new Accounts(4)
  accounts.apply(accountRecord(0, account({ node_id: 'a', operators: ['op'] })))
  accounts.apply(accountRecord(1, account({ node_id: 'b', operators: ['op'] })))
  accounts.apply(tombstone(0, 'a'))
  accounts.apply(tombstone(0, 'never seen'))
  assert.equal(accounts.account('a'), null)
  assert.deepEqual(accounts.nodesOf('op'), ['b'])
  accounts.apply(tombstone(1, 'b'))
  assert.equal(accounts.nodesOf('op'), null)
  assert.deepEqual(accounts.nodesAfter('', 10), [])
})

test('the held copy does not change with the buffer it came from', () => {
  const accounts = new Accounts(1)
  const record = accountRecord(0, account({ node_id: 'n', inferences: 7n }))
  accounts.apply(record)
  record.value?.fill(0)
  assert.equal(accounts.account('n')?.inferences, 7n)
})

test('watermarks come from task records, never fall, and the smallest needs all of them', () => {
  const accounts = new Accounts(2)
  assert.equal(accounts.watermark(0), null)
  accounts.apply(fenceRecord(0))
  accounts.apply(taskRecord(0, 2_000))
  accounts.apply(taskRecord(0, 1_000))
  assert.equal(accounts.watermark(0), 2_000)
  assert.equal(accounts.smallestWatermark(), null)
  accounts.apply(taskRecord(1, 1_500))
  assert.equal(accounts.smallestWatermark(), 1_500)
  assert.equal(accounts.size, 0)
})

test('outcomes of commands are no accounts', () => {
  const accounts = new Accounts(1)
  accounts.apply({ partition: 0, key: Buffer.from('!cmd/n/1'), value: Buffer.from('anything') })
  assert.equal(accounts.size, 0)
})

test('a record that is not ours is an error, not a node', () => {
  const accounts = new Accounts(1)
  assert.throws(() => accounts.apply({ partition: 0, key: null, value: Buffer.alloc(1) }))
  assert.throws(() => accounts.apply({ partition: 0, key: Buffer.from('n'), value: Buffer.from('junk') }))
})

test('nodes are walked in the order of their ids', () => {
  const accounts = new Accounts(4)
  for (const nodeId of ['m', 'a', 'z', 'b']) accounts.apply(accountRecord(0, account({ node_id: nodeId })))
  assert.deepEqual(accounts.nodesAfter('', 2), ['a', 'b'])
  assert.deepEqual(accounts.nodesAfter('b', 2), ['m', 'z'])
  accounts.apply(accountRecord(0, account({ node_id: 'c' })))
  assert.deepEqual(accounts.nodesAfter('b', 2), ['c', 'm'])
  assert.deepEqual(accounts.nodesAfter('z', 2), [])
})
