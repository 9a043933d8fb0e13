import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import * as fc from 'fast-check'
import { ClickhouseError } from './errors.ts'
import { frameMethod, frameOf, framing, unframed } from './frames.ts'

const METHODS = ['NONE', 'LZ4', 'ZSTD'] as const
const PLAIN = Buffer.from('a row and a row and a row and a row\n'.repeat(200))
const ANSWER_FRAME_BYTES = 1024 ** 2
const TAKEN_FRAME_MAX_BYTES = 128 * 1024 ** 2

const contentOf = async (pieces: readonly Buffer[]): Promise<Buffer> =>
  buffer(unframed(Readable.from(pieces)))
const hasCode = (code: number) => (error: unknown) => error instanceof ClickhouseError && error.code === code

describe('frames', () => {
  it('holds a frame that clickhouse-go wrote', async () => {
    // compress.NewWriter(0, compress.LZ4).Compress([]byte("hello hello hello hello")) of ch-go v0.75.0.
    const theirs = Buffer.from(GO_FRAME, 'hex')
    assert.equal((await contentOf([theirs])).toString(), 'hello hello hello hello')
  })

  it('gives back what was framed, wherever the frames are cut', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...METHODS)), { maxLength: 4 }),
      fc.array(fc.nat(400), { maxLength: 5 }),
      async (parts, cuts) => {
        const frames = Buffer.concat(
          await Promise.all(parts.map(([bytes, method]) => frameOf(Buffer.from(bytes), method))),
        )
        const places = [0, ...cuts.map((cut) => Math.min(cut, frames.length)).toSorted((a, b) => a - b)]
        const pieces = places.map((from, at) => frames.subarray(from, places[at + 1] ?? frames.length))
        assert.deepEqual(await contentOf(pieces), Buffer.concat(parts.map(([bytes]) => bytes)))
      },
    )
    await fc.assert(property, { numRuns: 100 })
  })

  it('refuses a frame with one other byte, one that is cut short, and what is none', async () => {
    for (const method of METHODS) {
      const frame = await frameOf(PLAIN, method)
      for (const at of [0, 15, 16, 25, frame.length - 1]) {
        const other = Buffer.from(frame)
        other.writeUInt8(other.readUInt8(at) ^ 1, at)
        await assert.rejects(contentOf([other]), hasCode(40), `${method} byte ${at}`)
      }
      await assert.rejects(contentOf([frame, frame.subarray(0, -1)]), hasCode(33))
      await assert.rejects(contentOf([frame.subarray(0, 10)]), hasCode(33))
    }
    await assert.rejects(contentOf([Buffer.from('INSERT INTO t VALUES (1), (2), (3)')]), hasCode(271))
  })

  it('ANSWER_FRAME_BYTES: a long body goes out in frames of this size', async () => {
    const bytes = Buffer.alloc(2 * ANSWER_FRAME_BYTES + 5, 'abc')
    const frames = await buffer(Readable.from([bytes]).pipe(framing('LZ4')))
    const sizes: number[] = []
    for (let at = 0; at < frames.length; at += 16 + frames.readUInt32LE(at + 17))
      sizes.push(frames.readUInt32LE(at + 21))
    assert.deepEqual(sizes, [ANSWER_FRAME_BYTES, ANSWER_FRAME_BYTES, 5])
    assert.deepEqual(await contentOf([frames]), bytes)
    assert.equal((await buffer(Readable.from([]).pipe(framing('LZ4')))).length, 0)
  })

  it('TAKEN_FRAME_MAX_BYTES: a frame that claims to hold more is refused before it is unpacked', async () => {
    const head = Buffer.alloc(25)
    head.writeUInt8(0x82, 16)
    for (const [packed, unpacked] of [
      [10, TAKEN_FRAME_MAX_BYTES + 1],
      [TAKEN_FRAME_MAX_BYTES + 1, 10],
      [8, 10],
    ] as const) {
      head.writeUInt32LE(packed, 17)
      head.writeUInt32LE(unpacked, 21)
      await assert.rejects(contentOf([head]), hasCode(271))
    }
  })

  it('knows the methods by the names that the setting has', () => {
    assert.deepEqual([null, 'lz4', 'ZSTD', 'LZ4HC', 'none'].map(frameMethod), [
      'LZ4',
      'LZ4',
      'ZSTD',
      'LZ4',
      'NONE',
    ])
    assert.throws(() => frameMethod('snappy'), hasCode(432))
  })
})

const GO_FRAME =
  '459b741f4af7550d0c21a174eae97d828220000000170000006068656c6c6f200600d06f2068656c6c6f2068656c6c6f'
