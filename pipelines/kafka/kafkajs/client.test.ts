import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { toRecord } from './client.ts'

const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

/** What kafkajs returns for the headers of a record, which its types do not reveal. */
const recordWith = (headers: object) =>
  toRecord(3, {
    offset: '7',
    timestamp: '5',
    key: null,
    value: null,
    attributes: 0,
    headers,
  } as unknown as KafkaMessage)

test('a header name that stands twice is kept as a list, and by name the last counts', () => {
  const { headers, headerList } = recordWith({ twice: [ONE, TWO], once: ONE })
  assert.deepEqual({ ...headers }, { twice: TWO, once: ONE })
  assert.deepEqual(headerList, [
    ['twice', ONE],
    ['twice', TWO],
    ['once', ONE],
  ])
})

test('a header without value is kept in the list alone', () => {
  const { headers, headerList } = recordWith({ empty: null, once: ONE })
  assert.deepEqual({ ...headers }, { once: ONE })
  assert.deepEqual(headerList, [
    ['empty', null],
    ['once', ONE],
  ])
})

test('plain headers need no list, whatever they are called', () => {
  const { headers, headerList } = recordWith(Object.fromEntries([['__proto__', ONE]]))
  assert.deepEqual(Object.entries(headers), [['__proto__', ONE]])
  assert.equal(headerList, undefined)
  // kafkajs puts the object's own property before a header with its name.
  const inherited: unknown = Reflect.get(Object.prototype, 'toString')
  assert.deepEqual({ ...recordWith({ toString: [inherited, ONE] }).headers }, { toString: ONE })
})
