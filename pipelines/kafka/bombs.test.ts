import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import './kafkajs/client.ts'
import { bombOf } from '../../test/support/records/bombs.ts'
import { batchOf } from '../../test/support/records/packed-batch.ts'
import { UNPACKED_BYTES_MAX } from './kafkajs/codecs.ts'
import { decodeBatch } from './kafkajs/patches/decode-batch.ts'
import { FetchHolding, UNPACKED_TOTAL_BYTES_MAX, UnpackRoom } from './unpack-room.ts'
import { systemClock } from '../clock.ts'

const MIB = 1_048_576
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const

/** Each size is far beyond the bound, and far beyond what unpacking may cost. */
const BOMB_BYTES = { gzip: 100 * MIB, snappy: 80 * MIB, lz4: 400 * MIB, zstd: 100 * MIB }

describe('a batch that unpacks to more than the bound', () => {
  for (const codec of CODECS) {
    it(`is one unreadable record, in bounded memory: ${codec}`, async () => {
      const bomb = batchOf(codec, await bombOf(codec, BOMB_BYTES[codec]), 1, 1_000)
      const holding = new FetchHolding(new UnpackRoom(systemClock))
      const before = process.resourceUsage().maxRSS
      const records = await decodeBatch(bomb, holding)
      const grownBytes = (process.resourceUsage().maxRSS - before) * 1_024
      assert.equal(records.length, 1)
      assert.match(records[0]?.unreadable?.reason ?? '', /unpacks to more than 67108864 bytes/)
      assert.ok(grownBytes < 2.5 * UNPACKED_BYTES_MAX, `${Math.round(grownBytes / MIB)} MiB more`)
    })

    it(`is read up to the bound: ${codec}`, async () => {
      const bytes = UNPACKED_BYTES_MAX - MIB
      const large = batchOf(codec, await bombOf(codec, bytes), 1, 1_000)
      const [record] = await decodeBatch(large, new FetchHolding(new UnpackRoom(systemClock)))
      assert.equal(record?.unreadable, undefined)
      assert.equal((record as unknown as { value: Buffer }).value.length, bytes)
    })
  }

  it('counts the objects of its records too', async () => {
    const records = await bombOf('zstd', 2 * MIB)
    const [mark] = await decodeBatch(
      batchOf('zstd', records, 300_000, 1_000),
      new FetchHolding(new UnpackRoom(systemClock)),
    )
    assert.match(mark?.unreadable?.reason ?? '', /unpacked/)
  })
})

describe('many batches at once', () => {
  it('hold no more than the bound of the process, and all are read', async () => {
    // The patience never ends, however slow the machine is.
    const clock = { ...systemClock, delay: () => new Promise<void>(() => {}) }
    const room = new UnpackRoom(clock)
    const bytes = 40 * MIB
    const batch = batchOf('zstd', await bombOf('zstd', bytes), 1, 1_000)
    let most = 0
    const read = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const holding = new FetchHolding(room)
        const [record] = await decodeBatch(batch, holding)
        most = Math.max(most, room.takenBytes)
        await systemClock.delay(5)
        holding.release()
        return record?.unreadable === undefined
      }),
    )
    assert.ok(read.every(Boolean))
    assert.ok(most <= UNPACKED_TOTAL_BYTES_MAX, `${Math.round(most / MIB)} MiB`)
    assert.equal(room.takenBytes, 0)
  })
})
