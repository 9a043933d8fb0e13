import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from './refusal.ts'
import { BYTES_PER_TURN, JsonItems } from './json-items.ts'
import { ITEM_END, readJsonLines } from './json-lines.ts'
import { NumberText } from './number-text.ts'

const noPause = async (): Promise<void> => {}

async function read(
  body: string | Buffer,
  separator: number = ITEM_END.line,
  itemsMax = 100,
): Promise<unknown[]> {
  const items = await readJsonLines(Buffer.from(body), separator, itemsMax, noPause)
  assert.ok(items instanceof JsonItems, JSON.stringify(items))
  assert.ok(items.isArray)
  return Array.from({ length: items.count }, (_, index) => items.read(index))
}

test('lines are items, whatever ends them; blank ones are none', async () => {
  assert.deepEqual(await read('{"a":1}\n{"a":2}\r\n\n  \n{"a":3}'), [{ a: 1 }, { a: 2 }, { a: 3 }])
  assert.deepEqual(await read(''), [])
  assert.deepEqual(await read('{"cost":0.30000000000000004}\n'), [
    { cost: new NumberText('0.30000000000000004') },
  ])
})

test('texts of application/json-seq begin with a record separator', async () => {
  assert.deepEqual(await read('\u001e{"a":1}\n\u001e{\n"a":\n2e0}\n', ITEM_END.record), [
    { a: 1 },
    { a: new NumberText('2e0') },
  ])
})

test('a line that is no JSON is refused alone, and so is one that repeats a name or is an array', async () => {
  const body = Buffer.concat([
    Buffer.from('{"a":1}\n{"a":\n{"a":1,"a":2}\n[1,2]\n[{"a":1}]\n'),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    Buffer.from('{"a":2}'),
  ])
  const items = await read(body)
  const codes = items.map((item) => (item instanceof Refusal ? item.code : 'taken'))
  assert.deepEqual(codes, [
    'taken',
    'not_json',
    'duplicate_field',
    'not_json',
    'not_json',
    'not_json',
    'taken',
  ])
})

test('a body with more items than the bound is refused whole', async () => {
  const lines = (count: number) => '{"a":1}\n'.repeat(count)
  assert.equal((await read(lines(100))).length, 100)
  const over = await readJsonLines(Buffer.from(lines(101)), ITEM_END.line, 100, noPause)
  assert.ok(!(over instanceof JsonItems))
  assert.equal(over.fault, 'too_many')
})

test('any objects come back as the lines that they were written to', async () => {
  const value = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,5}$/),
    fc.oneof(fc.string(), fc.nat(1_000), fc.boolean()),
    { noNullPrototype: true },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 20 }), async (values) => {
      assert.deepEqual(await read(values.map((one) => JSON.stringify(one)).join('\n')), values)
    }),
    { numRuns: 200 },
  )
})

test('a large body is parsed a part a turn', async () => {
  let turns = 0
  const line = `{"a":"${'x'.repeat(1_000)}"}\n`
  const body = Buffer.from(line.repeat(Math.ceil((4 * BYTES_PER_TURN) / line.length)))
  await readJsonLines(body, ITEM_END.line, 10_000, async () => {
    turns += 1
  })
  assert.ok(turns >= 4)
})
