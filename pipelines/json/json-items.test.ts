import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bound } from '../../test/support/oracles/named-bounds.ts'
import { othersTurn } from '../in-turns.ts'
import { acceptHeartbeat, hasHeartbeatNames } from '../account/accept-heartbeat.ts'
import { acceptUsageEvent, hasUsageNames } from '../usage/accept/accept.ts'
import { acceptCloudEvent, hasCloudEventNames } from '../usage/accept/accept-cloudevent.ts'
import * as fc from 'fast-check'
import { Refusal } from './refusal.ts'
import { JsonItems, readJsonItems, readJsonItemsInTurns } from './json-items.ts'
import { NumberText } from './number-text.ts'

const ITEMS_MAX = 10_000

function read(text: string | Buffer): unknown[] {
  const items = readJsonItems(Buffer.from(text), ITEMS_MAX)
  assert.ok(items instanceof JsonItems, JSON.stringify(items))
  return Array.from({ length: items.count }, (_, index) => items.read(index))
}

function fault(body: string | Buffer): string {
  const items = readJsonItems(Buffer.from(body), ITEMS_MAX)
  assert.ok(!(items instanceof JsonItems))
  return `${items.fault}: ${items.detail}`
}

test('any JSON of short numbers and single names is read as JSON.parse reads it', () => {
  const depthSize = { maxDepth: 4, depthSize: 'small' } as const
  fc.assert(
    fc.property(fc.jsonValue(depthSize), fc.constantFrom('', '  ', '\t'), (value, indent) => {
      const text = JSON.stringify(
        value,
        (_, member: unknown) => (typeof member === 'number' ? Math.trunc(member) % 1e9 : member),
        indent,
      )
      const expected: unknown = JSON.parse(text)
      assert.deepEqual(read(` ${text}\r\n`), Array.isArray(expected) ? expected : [expected])
    }),
    { numRuns: 500 },
  )
})

test('numbers that a double may not hold come with their text', () => {
  const [item] = read(
    '{"a":1.5,"b":123456789012345,"c":1234567890123456,"d":1e2,"e":0.1000000000000001,"f":-1E-2}',
  )
  assert.deepEqual(item, {
    a: 1.5,
    b: 123_456_789_012_345,
    c: new NumberText('1234567890123456'),
    d: new NumberText('1e2'),
    e: new NumberText('0.1000000000000001'),
    f: new NumberText('-1E-2'),
  })
  // Only the item with such a number is read twice; digits in strings are no numbers.
  assert.deepEqual(read('[{"a":"12345678901234567890e5"},{"a":1e0},{"a":2}]'), [
    { a: '12345678901234567890e5' },
    { a: new NumberText('1e0') },
    { a: 2 },
  ])
})

test('a name that stands twice in one object is refused, wherever and however it is written', () => {
  for (const [text, path] of [
    ['{"cost":1,"cost":2}', '/cost'],
    ['{"cost":1,"co\\u0073t":1}', '/cost'],
    ['{"a":{"cost":1},"data":{"cost":1,"x":[1,{"y":1}],"cost":2}}', '/data/cost'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__'],
    ['{"a/b":1, "a/b" :2}', '/a~1b'],
    ['{"":1,"":2}', '/'],
  ] as const) {
    const [item] = read(text)
    assert.ok(item instanceof Refusal, text)
    assert.deepEqual([item.code, item.path], ['duplicate_field', path])
  }
  assert.deepEqual(read('[{"a":{"b":1},"b":2},{"a":":,{[","\\"":1}]'), [
    { a: { b: 1 }, b: 2 },
    { a: ':,{[', '"': 1 },
  ])
})

test('duplicates are found exactly where a set of names finds them', () => {
  // Names here have no backslash: V8 13.6 confuses '"' with '\\' after it has seen the latter as a name.
  const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'é', '"', '\n'), { maxLength: 5 })
  fc.assert(
    fc.property(fc.array(names, { maxLength: 5 }), (objects) => {
      const text = `[${objects
        .map((members) => `{${members.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`)
        .join(',')}]`
      const refused = read(text).map((item) => item instanceof Refusal)
      assert.deepEqual(
        refused,
        objects.map((members) => new Set(members).size < members.length),
      )
    }),
    { numRuns: 1_000 },
  )
})

test('__proto__ is an ordinary name', () => {
  const [item] = read('{"__proto__":{"polluted":1},"a":1e0}')
  assert.deepEqual(Object.keys(item as object), ['__proto__', 'a'])
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('what is no JSON in UTF-8 is refused whole', () => {
  assert.match(fault(''), /^not_json: /)
  assert.match(fault('{"a":1'), /^not_json: The body is not JSON/)
  assert.match(fault('[1,]'), /^not_json/)
  assert.match(fault('{"a":01}'), /^not_json/)
  assert.match(fault('{"a":NaN}'), /^not_json/)
  assert.match(fault('[\u{feff}]'), /^not_json/)
  assert.match(fault('[] []'), /^not_json/)
  assert.match(fault(Buffer.from([0x22, 0xff, 0x22])), /^not_json: The body is not valid UTF-8/)
  // A surrogate encoded as if it were a character.
  assert.match(fault(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), /UTF-8/)
})

test('a byte order mark before the body is no part of it', () => {
  assert.deepEqual(read('\u{feff}[{"a":1e0},2]').length, 2)
  assert.deepEqual(read('\u{feff}{"cost":0.30000000000000004}'), [
    { cost: new NumberText('0.30000000000000004') },
  ])
  assert.match(fault('\u{feff}\u{feff}[]'), /^not_json/)
})

test('bounds: depth, items', () => {
  assert.equal(read(`${'['.repeat(8)}${']'.repeat(8)}`).length, 1)
  assert.match(fault(`${'['.repeat(9)}${']'.repeat(9)}`), /deeper than 8/)
  assert.match(fault('['.repeat(1_000_000)), /deeper than 8/)
  assert.equal(read(`[${'0,'.repeat(ITEMS_MAX - 1)}0]`).length, ITEMS_MAX)
  assert.match(fault(`[${'0,'.repeat(ITEMS_MAX)}0]`), /^too_many/)
  assert.deepEqual(read('[]'), [])
  assert.deepEqual(read(' [ ] '), [])
})

test('bounds: members, objects and arrays of one item', () => {
  const wide = (members: number) => `{${Array.from({ length: members }, (_, at) => `"${at}":0`).join(',')}}`
  assert.equal(read(`[${wide(999)},${wide(999)}]`).length, 2)
  assert.match(fault(`[${wide(5)},${wide(1_000)}]`), /more than 1000 members/)
  assert.equal(read(`[[${'[],'.repeat(998)}[]]]`).length, 1)
  assert.match(fault(`[[${'[],'.repeat(999)}[]]]`), /more than 1000 members/)
})

test('an item of more than 64 KiB with long numbers or repeated names is refused; padding does not count', () => {
  const filled = (bytes: number) => `{"a":1e0,"b":"${'x'.repeat(bytes - 16)}"}`
  assert.ok(!(read(filled(65_536))[0] instanceof Refusal))
  assert.equal((read(filled(65_537))[0] as Refusal).code, 'too_large')
  assert.ok(!(read(` ${' '.repeat(70_000)}{"a":1e0}${' '.repeat(70_000)}`)[0] instanceof Refusal))
  assert.deepEqual(read(filled(100_000).replace('1e0', '1'))[0], { a: 1, b: 'x'.repeat(100_000 - 16) })
})

test('REREAD_MEMBERS_MAX: an item with more members is not read twice, but refused', () => {
  const membersMax = bound('pipelines/json/json-items.ts', 'REREAD_MEMBERS_MAX')
  const wide = (members: number, value: string) =>
    `{${Array.from({ length: members }, (_, at) => `"k${at}":${value}`).join(',')}}`
  assert.ok(!(read(wide(membersMax, '1e0'))[0] instanceof Refusal))
  assert.equal((read(wide(membersMax + 1, '1e0'))[0] as Refusal).code, 'too_large')
  assert.ok(!(read(wide(membersMax + 1, '1'))[0] instanceof Refusal))
  assert.equal((read(`{"a":1,${wide(membersMax, '1').slice(1, -1)},"a":2}`)[0] as Refusal).code, 'too_large')
})

test('what names alone refuse is read once: the names are judged before numbers and repeats are looked for', (context) => {
  const parsing = context.mock.method(JSON, 'parse')
  const long = 'x'.repeat(700)
  const bodies = [`{"${long}":1e0}`, `{"${long}":1,"${long}":2}`, `{"node_id":"n","${long}":1e0}`]
  for (const [accept, namesFit, wrap] of [
    [acceptUsageEvent, hasUsageNames, (text: string) => text],
    [acceptCloudEvent, hasCloudEventNames, cloudEvent],
    [(item: unknown) => acceptHeartbeat(item, false), hasHeartbeatNames, (text: string) => text],
  ] as const) {
    const items = readJsonItems(Buffer.from(`[${bodies.map(wrap).join(',')}]`), ITEMS_MAX)
    assert.ok(items instanceof JsonItems)
    const before = parsing.mock.callCount()
    for (let index = 0; index < items.count; index += 1) {
      const item = items.read(index, namesFit)
      assert.equal((accept(item, 0) as Refusal).code, 'unknown_field')
    }
    assert.equal(parsing.mock.callCount(), before, 'nothing was read a second time')
  }
})

const cloudEvent = (data: string): string =>
  `{"specversion":"1.0","type":"hivemeter.usage.v1","source":"s","id":"i","subject":"n","data":${data}}`

test('BYTES_PER_TURN: a body that is parsed in parts gives what it gives as a whole, and is refused where that is', async () => {
  const bytesPerTurn = bound('pipelines/json/json-items.ts', 'BYTES_PER_TURN')
  const all = async (text: string) => {
    const items = await readJsonItemsInTurns(Buffer.from(text), 100_000, othersTurn)
    if (!(items instanceof JsonItems)) return items.fault
    return Array.from({ length: items.count }, (_, index) => items.read(index))
  }
  const whole = (text: string) => {
    const items = readJsonItems(Buffer.from(text), 100_000)
    if (!(items instanceof JsonItems)) return items.fault
    return Array.from({ length: items.count }, (_, index) => items.read(index))
  }
  const item = (at: number) => `{"id":"\u00e9${at},]}[\\"","cost":0.30000000000000004,"n":[${at}]}`
  const many = Array.from({ length: 10_000 }, (_, at) => item(at)).join(' ,\n')
  const filler = `"${'x'.repeat(bytesPerTurn)}"`
  for (const text of [
    `[${many}]`,
    ` [ ${many} ] `,
    `[${many},]`,
    `[,${many}]`,
    `[${many}] x`,
    `x [${many}]`,
    `[${many}]]`,
    `[${many}`,
    `${many}]`,
    `[${many.replace('"cost":0', '"cost":00')}]`,
    `[${many},,1]`,
    `[${many} 1]`,
    `{"a":[${many.slice(0, 2_000)}],"b":${filler}}`,
    `[[],${filler},[1,2],{}]`,
    `[${filler}]`,
    filler,
    `[]${' '.repeat(bytesPerTurn)}`,
    `[${' '.repeat(bytesPerTurn)}]`,
    '\u00a0'.repeat(bytesPerTurn),
    ' '.repeat(bytesPerTurn + 1),
  ])
    assert.deepEqual(await all(text), whole(text), text.slice(0, 40))
})

test('parts of a large body are each a turn', async () => {
  const bytesPerTurn = bound('pipelines/json/json-items.ts', 'BYTES_PER_TURN')
  const body = Buffer.from(
    `[${Array.from({ length: 8 }, () => `"${'x'.repeat(bytesPerTurn - 10)}"`).join(',')}]`,
  )
  let turns = 0
  const counting = new AbortController()
  const count = (): void => {
    turns += 1
    if (!counting.signal.aborted) setImmediate(count)
  }
  setImmediate(count)
  await readJsonItemsInTurns(body, 10, othersTurn)
  counting.abort()
  assert.ok(turns >= 8, String(turns))
})
