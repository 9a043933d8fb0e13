import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { ManualClock, settled } from '../gateway/fixtures.ts'
import {
  ARRIVAL_BYTES_PER_SECOND_MIN,
  ARRIVAL_CHECK_MS,
  ARRIVAL_GRACE_MS,
  Arrivals,
  SILENCE_MS_MAX,
  isTooSlow,
} from './arrival.ts'
import { Problem } from './problem.ts'
import { Shares } from './shares.ts'

function setUp({ announcedBytes = null as number | null, sizeBytesMax = 1_000_000, room = 10_000_000 } = {}) {
  const clock = new ManualClock(0)
  const shares = new Shares(room)
  const body = new PassThrough()
  const arrivals = new Arrivals(clock, new AbortController().signal)
  const charge = (sizeBytes: number): boolean => shares.take('a', sizeBytes)
  const read = arrivals.read(body, { sizeBytesMax, announcedBytes, charge }).then(
    (bytes) => bytes.toString(),
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )
  const write = async (text: string): Promise<void> => {
    body.write(text)
    await settled()
  }
  return { clock, shares, body, read, write }
}

test('what has arrived is charged, not what is announced', async () => {
  const { shares, body, read, write } = setUp({ announcedBytes: 900_000 })
  await settled()
  assert.equal(shares.total, 0)
  await write('abc')
  assert.equal(shares.total, 3)
  body.end('def')
  assert.equal(await read, 'abcdef')
})

test('small pieces are put together whole', async () => {
  const { body, read } = setUp({ announcedBytes: 200_000 })
  const text = Array.from({ length: 200_000 }, (_, at) => String(at % 10)).join('')
  for (let at = 0; at < text.length; at += 7) body.write(text.slice(at, at + 7))
  body.end()
  assert.equal(await read, text)
})

test('a body beyond its size is refused, announced or not; one byte less is not', async () => {
  assert.equal(await setUp({ announcedBytes: 11, sizeBytesMax: 10 }).read, 'body_too_large')
  for (const [text, expected] of [
    ['0123456789', '0123456789'],
    ['0123456789a', 'body_too_large'],
  ] as const) {
    const { body, read } = setUp({ sizeBytesMax: 10 })
    body.end(text)
    assert.equal(await read, expected)
  }
})

test('whoever finds no room is refused at once, and what goes on coming is thrown away', async () => {
  const { body, read, write } = setUp({ room: 20 })
  await write('0123456789')
  await write('x')
  assert.equal(await read, 'overloaded')
  await write('y'.repeat(100_000))
  assert.equal(body.readableLength, 0)
})

test('SILENCE_MS_MAX: a body that stalls is refused, however much of it has come', async () => {
  const { clock, read, write } = setUp({ announcedBytes: 900_000 })
  await write('x'.repeat(800_000))
  let answer = ''
  void read.then((code) => (answer = code))
  for (let passedMs = 0; passedMs < SILENCE_MS_MAX; passedMs += ARRIVAL_CHECK_MS)
    await clock.pass(ARRIVAL_CHECK_MS)
  assert.equal(answer, '')
  await clock.pass(ARRIVAL_CHECK_MS)
  assert.equal(answer, 'body_too_slow')
})

test('ARRIVAL_GRACE_MS and ARRIVAL_BYTES_PER_SECOND_MIN: the least rate, after a time for the start', () => {
  const at = (nowMs: number, sizeBytes: number): boolean =>
    isTooSlow({ startedMs: 0, lastMs: nowMs, sizeBytes }, nowMs)
  assert.ok(!at(ARRIVAL_GRACE_MS, 0))
  assert.ok(!at(ARRIVAL_GRACE_MS + 2_000, 2 * ARRIVAL_BYTES_PER_SECOND_MIN))
  assert.ok(at(ARRIVAL_GRACE_MS + 2_000, 2 * ARRIVAL_BYTES_PER_SECOND_MIN - 1))
})

test('a client that goes away in the middle of its body', async () => {
  const { body, read, write } = setUp()
  await write('abc')
  body.destroy()
  assert.equal(await read, 'unreadable_body')
})
