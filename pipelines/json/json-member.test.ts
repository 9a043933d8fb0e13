import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { JsonItems } from './json-items.ts'
import { readObjectWithItems, REST_BYTES_MAX } from './json-member.ts'
import type { ObjectWithItems } from './json-member.ts'

const ITEMS_MAX = 50
const pause = async (): Promise<void> => {}

async function read(text: string): Promise<ObjectWithItems> {
  const found = await readObjectWithItems(Buffer.from(text), 'items', ITEMS_MAX, pause)
  if ('fault' in found) assert.fail(found.detail)
  return found
}

async function faultOf(text: string | Buffer): Promise<string> {
  const found = await readObjectWithItems(Buffer.from(text), 'items', ITEMS_MAX, pause)
  return 'fault' in found ? found.fault : 'none'
}

const valuesOf = ({ items }: ObjectWithItems): unknown[] =>
  Array.from({ length: items.count }, (_, index) => items.parsed(index))

test('any object is what JSON.parse makes of it, its items apart', async () => {
  const value = fc.jsonValue({ maxDepth: 3 })
  const anyObject = fc.tuple(
    fc.dictionary(fc.string(), value),
    fc.array(value, { maxLength: ITEMS_MAX - 1 }),
    fc.boolean(),
  )
  await fc.assert(
    fc.asyncProperty(anyObject, fc.constantFrom('', ' ', '\n\t'), async ([rest, items, isFirst], space) => {
      const { items: _, ...others } = rest
      const whole = isFirst ? { items, ...others } : { ...others, items }
      const found = await read(JSON.stringify(whole, null, space))
      assert.deepEqual(found.rest, JSON.parse(JSON.stringify({ ...whole, items: [] })))
      assert.deepEqual(valuesOf(found), JSON.parse(JSON.stringify(items)))
    }),
  )
})

test('names that only look like the member are none', async () => {
  const text = '{"a":"\\"items\\":[1]","b":{"items":[2]},"items" : [3, 4]}'
  const found = await read(text)
  assert.deepEqual([valuesOf(found), found.items.sizeBytes(0)], [[3, 4], 1])
})

test('an object without the array has no items', async () => {
  for (const text of ['{}', '{"items":7}', '{"items":{"a":[1]}}', '[1]', 'null']) {
    const found = await read(text)
    assert.deepEqual([found.rest, found.items.count], [JSON.parse(text), 0])
    assert.ok(found.items instanceof JsonItems)
  }
})

test('what is no JSON, has too many items or too much beside them is a fault', async () => {
  const many = JSON.stringify({ items: Array.from({ length: ITEMS_MAX + 1 }, () => 1) })
  const wide = JSON.stringify({ items: [1], more: 'x'.repeat(REST_BYTES_MAX) })
  assert.equal(await faultOf(many), 'too_many')
  for (const text of ['', '{"items":[1', '{"items":[1]', '{"items":[1,]}', '{"items":[1]}}', wide])
    assert.equal(await faultOf(text), 'not_json', text.slice(0, 20))
  assert.equal(await faultOf(Buffer.from([0x7b, 0xff, 0x7d])), 'not_json')
})
