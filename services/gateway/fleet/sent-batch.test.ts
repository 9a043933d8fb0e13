import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import { BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import { REST_BYTES_MAX } from '../../../pipelines/json/json-member.ts'
import { batch, item, poll, report, sample } from '../../../test/support/records/fleet-items.ts'
import { WALKED_ITEM_BYTES_MAX } from '../../../pipelines/fleet/accept/packed/walk-item.ts'
import { drawnItem, jsonItem, packed } from '../../../test/support/records/sent-telemetry.ts'
import { Problem } from '../../http/problem.ts'
import { recordsOf } from './batch-records.ts'
import { sentAsJson, sentPacked } from './sent-batch.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const pause = async (): Promise<void> => {}

const HEAD = { ...batch([]), provider_id: 'krill', first_seq: 40, lane: 'replay' as const }

async function refusedWhole(body: Buffer): Promise<[code: string, detail: string]> {
  try {
    await sentPacked(body, pause).judge(NOW)
  } catch (error) {
    if (error instanceof Problem) return [error.code, error.message]
    throw error
  }
  return assert.fail('it was taken')
}

test('a batch gives the same records and refusals packed and as JSON', async () => {
  const met = { kept: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(drawnItem(NOW), { minLength: 1, maxLength: 6 }), async (items) => {
      // The same content has more bytes as JSON, and both are bounded by what they have.
      const texts = items.map((one) => JSON.stringify(jsonItem(one)))
      fc.pre(texts.every((text) => Buffer.byteLength(text) <= ITEM_BYTES_MAX))
      const body = Buffer.from(JSON.stringify({ ...HEAD, items: items.map(jsonItem) }))
      const json = await sentAsJson(body, pause)
      const expected = await json.judge(NOW)
      const sent = sentPacked(packed({ ...HEAD, items }), pause)
      const found = await sent.judge(NOW)
      assert.deepEqual(sent.head, json.head)
      assert.deepEqual(found.refused, expected.refused)
      assert.deepEqual(found.items, expected.items)
      met.refused += expected.refused.length
      met.kept += items.length - expected.refused.length
    }),
    { numRuns: 400 },
  )
  assert.ok(met.kept > 300 && met.refused > 30, JSON.stringify(met))
})

test('what a batch says of itself is refused with the same words', async () => {
  const wrong = [
    { interval_s: 5 },
    { low: { epoch: 1, seq: 41 } },
    { node_id: 'a b' },
    { epoch: 2 ** 60 },
    { complete: [{ from: 2, to: 1 }] },
    { complete: Array.from({ length: 65 }, (_, at) => ({ from: at, to: at + 1 })) },
  ]
  for (const fields of wrong) {
    const of = async (read: () => unknown): Promise<unknown> => {
      try {
        await read()
      } catch (error) {
        if (error instanceof Problem) return [error.code, error.message, error.extra]
      }
      return assert.fail(JSON.stringify(fields))
    }
    const whole = { ...HEAD, ...fields, items: [item({ poll: poll(NOW) })] }
    const asJson = { ...whole, items: whole.items.map((one) => jsonItem({ ...one })) }
    const expected = await of(() => sentAsJson(Buffer.from(JSON.stringify(asJson)), pause))
    assert.deepEqual(await of(() => sentPacked(packed(whole), pause)), expected)
  }
})

test('what fits is written byte for byte as it came', async () => {
  const items = [item({ sample: sample(NOW) }), item({ poll: poll(NOW) }), item({ report: report(NOW) })]
  const body = workerTelemetryCodec.encode({ ...HEAD, items })
  const { head, judge } = sentPacked(body, pause)
  const { items: judged, refused } = await judge(NOW)
  assert.deepEqual(refused, [])
  assert.deepEqual(
    recordsOf(head, judged).map(({ value }) => value),
    [body],
  )
})

test('a packed body that is no batch is refused as a whole', async () => {
  const one = item({ sample: sample(NOW) })
  const body = workerTelemetryCodec.encode({ ...HEAD, items: [one] })
  const other = Buffer.from(body)
  other[4] = 71
  const notUtf8 = Buffer.from(body)
  notUtf8[notUtf8.indexOf('HM-0001')] = 0xff
  assert.match((await refusedWhole(Buffer.alloc(0)))[1], /no framing/)
  assert.match((await refusedWhole(other))[1], /schema 71/)
  assert.match((await refusedWhole(notUtf8))[1], /not UTF-8/)
  assert.match((await refusedWhole(Buffer.concat([body, Buffer.alloc(1)])))[1], /1 bytes follow/)
  for (let length = 0; length < body.length; length += 1)
    assert.equal((await refusedWhole(body.subarray(0, length)))[0], 'unreadable_body')
  const span = { from: 1, to: 2 }
  const long = packed({
    ...HEAD,
    complete: Array.from({ length: REST_BYTES_MAX / 2 }, () => span),
    items: [one],
  })
  assert.match((await refusedWhole(long))[1], /before the items/)
  const many = Array.from({ length: BATCH_ITEMS_MAX + 1 }, () => one)
  assert.equal((await refusedWhole(packed({ ...HEAD, items: many })))[0], 'too_many_events')
})

test('a number that claims what the bytes cannot hold ends the reading', async () => {
  const body = workerTelemetryCodec.encode({
    ...HEAD,
    items: [item({ sample: sample(NOW, { warnings: ['a'] }) })],
  })
  // The last bytes: one warning of one letter, the end of warnings, three nulls, the end of the items.
  const claims = Buffer.concat([body.subarray(0, -8), Buffer.from('feffffffffffffffff01', 'hex')])
  assert.equal((await refusedWhole(claims))[0], 'unreadable_body')
  const beyond = Buffer.concat([body.subarray(0, -8), Buffer.from('ffffffffffffffffffff7f', 'hex')])
  assert.match((await refusedWhole(beyond))[1], /more than 64 bits/)
})

test('an item of too many bytes is refused, and the others stay', async () => {
  const message = '😀'.repeat(128)
  const errors = Array.from({ length: 16 }, () => ({
    vendor_code: message,
    component: null,
    slot: null,
    message,
    first_seen: null,
  }))
  const gpu = Array.from({ length: 32 }, (_, bus) => ({ bus, model: message }))
  const large = item({ report: report(NOW, { gpu }) })
  const small = item({ sample: sample(NOW, { errors: errors.slice(0, 4) }) })
  const items = [large, small, item({ sample: sample(NOW, { errors, warnings: [message] }) })]
  const { items: kept, refused } = await sentPacked(packed({ ...HEAD, items }), pause).judge(NOW)
  assert.deepEqual(
    refused.map(({ index, code }) => [index, code]),
    [
      [0, 'too_large'],
      [2, 'too_large'],
    ],
  )
  assert.ok((kept[1]?.length ?? 0) < ITEM_BYTES_MAX)
})

test('an item that is walked to its end takes a bounded time', async () => {
  const warning = 'é'
  const warnings = (count: number): string[] => Array.from({ length: count }, () => warning)
  const body = (count: number): Buffer =>
    packed({ ...HEAD, items: [item({ sample: sample(NOW, { warnings: warnings(count) }) })] })
  const most = Math.floor(WALKED_ITEM_BYTES_MAX / 3)
  const { refused } = await sentPacked(body(most - 100), pause).judge(NOW)
  assert.equal(refused[0]?.code, 'too_large')
  const fan = { index: 1, rpm: null, pct: null }
  const fans = Array.from({ length: most + 1 }, () => fan)
  for (const large of [body(most + 1), packed({ ...HEAD, items: [item({ sample: sample(NOW, { fans }) })] })])
    assert.match((await refusedWhole(large))[1], /goes on beyond byte/)
})

test('a long batch is walked in several turns', async () => {
  const texts = { url: 'x'.repeat(128), user: 'y'.repeat(128) }
  const pools = Array.from({ length: 8 }, (_, index) => ({ index, ...texts }))
  const items = Array.from({ length: 500 }, () => item({ report: report(NOW, { pools }) }))
  let turns = 0
  const { judge } = sentPacked(packed({ ...HEAD, items }), async () => {
    turns += 1
  })
  assert.deepEqual((await judge(NOW)).refused, [])
  assert.ok(turns >= 2, String(turns))
})

test('other encodings of the same content are read, and written as Hivemeter writes them', async () => {
  const fans = [
    { index: 1, rpm: 5_400, pct: null },
    { index: 2, rpm: null, pct: 40 },
  ]
  const items = [item({ sample: sample(NOW, { fans }) })]
  const body = workerTelemetryCodec.encode({ ...HEAD, items })
  const hex = body.toString('hex')
  // The fans are a union's second case, then one block of two: 02 04, the fans, 00.
  const fan = /0204(0202000000000018b54000.*?4440)00/.exec(hex)?.[1] ?? assert.fail(hex)
  const sizeBytes = fan.length / 2
  const sized = hex.replace(`0204${fan}00`, `0203${Buffer.from([sizeBytes << 1]).toString('hex')}${fan}00`)
  const padded = hex.replace(`0204${fan}00`, `028400${fan}00`)
  for (const text of [sized, padded]) {
    assert.notEqual(text, hex)
    const { head, judge } = sentPacked(Buffer.from(text, 'hex'), pause)
    const { items: judged, refused } = await judge(NOW)
    assert.deepEqual(refused, [])
    assert.deepEqual(
      recordsOf(head, judged).map(({ value }) => value),
      [body],
    )
  }
})
