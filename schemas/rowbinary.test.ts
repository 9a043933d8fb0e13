import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rawOf, RowWriter } from './rowbinary.ts'

/** What a row may hold, written once by the writer and once by the plain reference below. */
type Cell =
  | readonly ['u8' | 'u16' | 'u32' | 'u64' | 'nullableU32' | 'varint', number]
  | readonly ['i64' | 'i128', bigint]
  | readonly ['uuid' | 'stringBytes', Uint8Array, number]
  | readonly ['string', string]
  | readonly ['raw', Uint8Array]

const U32 = 2 ** 32
const bytes = (lengthMax: number) => fc.uint8Array({ maxLength: lengthMax })

const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.tuple(fc.constant('u8' as const), fc.integer({ min: 0, max: 255 })),
  fc.tuple(fc.constant('u16' as const), fc.integer({ min: 0, max: 65_535 })),
  fc.tuple(fc.constant('u32' as const), fc.integer({ min: 0, max: U32 - 1 })),
  fc.tuple(fc.constant('u64' as const), fc.maxSafeInteger()),
  fc.tuple(fc.constant('nullableU32' as const), fc.integer({ min: -1, max: U32 - 1 })),
  fc.tuple(fc.constant('varint' as const), fc.maxSafeNat()),
  fc.tuple(fc.constant('i64' as const), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.tuple(fc.constant('i128' as const), fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n })),
  fc.tuple(fc.constant('uuid' as const), fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(4)),
  fc.tuple(fc.constant('stringBytes' as const), bytes(300), fc.nat(20)),
  fc.tuple(fc.constant('string' as const), fc.string({ unit: 'grapheme', maxLength: 80 })),
  fc.tuple(fc.constant('raw' as const), bytes(64)),
)

function write(writer: RowWriter, cell: Cell): void {
  switch (cell[0]) {
    case 'uuid':
      writer.uuid(cell[1], cell[2])
      break
    case 'stringBytes':
      writer.stringBytes(cell[1], Math.min(cell[2], cell[1].length), cell[1].length)
      break
    case 'string':
      writer.string(cell[1])
      break
    case 'raw':
      writer.raw(rawOf(cell[1]))
      break
    case 'i64':
    case 'i128':
      writer[cell[0]](cell[1])
      break
    default:
      writer[cell[0]](cell[1])
  }
}

/** Little-endian two's complement of `sizeBytes`, byte by byte: slow and plain. */
function integer(value: bigint, sizeBytes: number): Buffer {
  return Buffer.from(Array.from({ length: sizeBytes }, (_, at) => Number((value >> BigInt(at * 8)) & 255n)))
}

function leb128(value: number): Buffer {
  const out: number[] = []
  let rest = BigInt(value)
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(out)
}

function reference(cell: Cell): Buffer {
  switch (cell[0]) {
    case 'u8':
      return integer(BigInt(cell[1]), 1)
    case 'u16':
      return integer(BigInt(cell[1]), 2)
    case 'u32':
      return integer(BigInt(cell[1]), 4)
    case 'u64':
      return integer(BigInt(cell[1]), 8)
    case 'nullableU32':
      return cell[1] < 0 ? Buffer.from([1]) : Buffer.concat([Buffer.from([0]), integer(BigInt(cell[1]), 4)])
    case 'varint':
      return leb128(cell[1])
    case 'i64':
      return integer(cell[1], 8)
    case 'i128':
      return integer(cell[1], 16)
    case 'uuid': {
      const id = Buffer.from(cell[1].subarray(cell[2], cell[2] + 16))
      return Buffer.concat([id.subarray(0, 8).reverse(), id.subarray(8).reverse()])
    }
    case 'stringBytes': {
      const text = cell[1].subarray(Math.min(cell[2], cell[1].length))
      return Buffer.concat([leb128(text.length), text])
    }
    case 'string': {
      const text = Buffer.from(cell[1], 'utf8')
      return Buffer.concat([leb128(text.length), text])
    }
    default:
      return Buffer.from(cell[1])
  }
}

test('rows equal a plain reference, whatever the size the buffer began with', () => {
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (cells, initialBytes) => {
      const writer = new RowWriter(initialBytes)
      for (const one of cells) write(writer, one)
      const expected = Buffer.concat(cells.map(reference))
      assert.equal(writer.length, expected.length)
      assert.deepEqual(writer.take(), expected)
    }),
    { numRuns: 500 },
  )
})

test('every method may be the one that makes the buffer grow', () => {
  const samples: readonly Cell[] = [
    ['u8', 250],
    ['u16', 65_000],
    ['u32', 4_000_000_000],
    ['u64', Number.MAX_SAFE_INTEGER],
    ['u64', -1],
    ['nullableU32', 7],
    ['varint', 300_000],
    ['i64', -(2n ** 63n)],
    ['i128', -(2n ** 127n)],
    ['i128', 2n ** 127n - 1n],
    ['uuid', Uint8Array.from({ length: 20 }, (_, at) => at), 3],
    ['stringBytes', Buffer.from('a node'), 2],
    ['string', 'ü€😀'],
    ['raw', Buffer.from('raw')],
  ]
  for (const sample of samples) {
    const expected = reference(sample)
    // A buffer filled up to any place from "nothing fits" to "all but one byte fits".
    for (let room = 0; room < expected.length; room++) {
      const writer = new RowWriter(32 + room)
      const before = Buffer.alloc(32, 0xab)
      writer.raw(rawOf(before))
      write(writer, sample)
      writer.u8(0xcd)
      assert.deepEqual(writer.take(), Buffer.concat([before, expected, Buffer.from([0xcd])]), sample[0])
    }
  }
})

test('what was taken stays as it was when the writer goes on', () => {
  const writer = new RowWriter(16)
  writer.u64(1)
  const first = writer.take()
  assert.equal(writer.length, 0)
  writer.u64(2)
  assert.equal(first.readBigUInt64LE(), 1n)
  assert.equal(writer.take().readBigUInt64LE(), 2n)
})
