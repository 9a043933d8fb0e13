import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'
import { PendingBlocks } from './loader-lag.ts'
import type { RawBatch } from '../checker/logs/raw-log.ts'

const NAME = Buffer.from(BLOCK_HEADER.seq)

/** A batch of one block, or a marker, as the log holds it. */
function batch(offset: number, seqOrMarker: number | 'commit' | 'abort', timestampMs = 0): RawBatch {
  const marker = typeof seqOrMarker === 'number' ? null : seqOrMarker
  const seq = Buffer.from(String(seqOrMarker))
  const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
  const head = [0, 0, 0, zigzag(-1), zigzag(-1), zigzag(1), zigzag(NAME.length)]
  const body = Buffer.concat([Buffer.from(head), NAME, Buffer.from([zigzag(seq.length)]), seq])
  const bytes = Buffer.concat([Buffer.alloc(61), Buffer.from([zigzag(body.length)]), body])
  bytes.writeInt32BE(1, 57)
  const header = {
    baseOffset: BigInt(offset),
    lastOffset: BigInt(offset),
    producerId: 7n,
    producerEpoch: 0,
    isTransactional: true,
    timestampMs,
    content: 0,
    marker,
  }
  return { bytes, header }
}

test('a block waits from its commit on, until it or a later one is loaded', async () => {
  const pending = new PendingBlocks()
  await pending.take(batch(0, 1))
  await pending.take(batch(1, 2))
  assert.equal(pending.lagMs(0, 5_000), 0, 'nothing is committed')
  await pending.take(batch(2, 'commit', 1_000))
  await pending.take(batch(3, 3))
  await pending.take(batch(4, 'abort', 2_000))
  await pending.take(batch(5, 3))
  await pending.take(batch(6, 'commit', 4_000))
  assert.equal(pending.next, 7n)
  assert.equal(pending.lagMs(0, 5_000), 4_000)
  assert.equal(pending.lagMs(1, 5_000), 4_000)
  assert.equal(pending.lagMs(2, 5_000), 1_000)
  assert.equal(pending.lagMs(3, 5_000), 0)
})
