import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { systemRandom } from '../../pipelines/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { UNPACKED_BYTES_MAX } from '../../pipelines/kafka/kafkajs/codecs.ts'
import { StateReader } from '../../pipelines/kafka/kafkajs/state-reader.ts'
import { CompactedTable, REACH_TIMEOUT_MS } from '../../pipelines/kafka/kafkajs/table.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { VirtualClock } from '../support/memory/virtual-clock.ts'

// No process listens on port 1 of the loopback.
const KAFKA = {
  brokers: ['127.0.0.1:1'],
  clientId: 'bounds',
  logger: silentLogger,
  clock: systemClock,
  random: systemRandom,
}

test('UNPACKED_BYTES_MAX: a zstd batch of more is not unpacked', async () => {
  const codec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] as () => {
    decompress: (bytes: Buffer) => Promise<Buffer>
  }
  const unpack = (bytes: number) => codec().decompress(zstdCompressSync(Buffer.alloc(bytes)))
  assert.equal((await unpack(UNPACKED_BYTES_MAX)).length, UNPACKED_BYTES_MAX)
  await assert.rejects(unpack(UNPACKED_BYTES_MAX + 1), { code: 'NOT_UNPACKED' })
})

test('READ_TIMEOUT_MS: a restore that is not done by then fails, LEADER_PAUSE_MS between two tries', async () => {
  const timeoutMs = bound('pipelines/kafka/kafkajs/state-reader.ts', 'READ_TIMEOUT_MS')
  const clock = new VirtualClock()
  const startMs = clock.monotonicMs()
  const reader = new StateReader({ ...KAFKA, clock, topic: 'usage.ids' })
  await assert.rejects(
    reader.read(0, { start: 0n, through: 5n }, () => {}),
    new RegExp(`was not read within ${timeoutMs / 1_000} s: no connection`),
  )
  const overMs = clock.monotonicMs() - startMs - timeoutMs
  assert(
    overMs >= 0 && overMs < bound('pipelines/kafka/kafkajs/state-reader.ts', 'LEADER_PAUSE_MS'),
    String(overMs),
  )
})

test('REACH_TIMEOUT_MS: a read waits so long for the log’s end, then it answers with what there is', async (t) => {
  const clock = new VirtualClock()
  const table = new CompactedTable({
    ...KAFKA,
    topic: 'node.state',
    groupId: 'table',
    partitions: 1,
    clock,
    onRecord: () => {},
  })
  t.after(() => table.stop())
  const startMs = clock.monotonicMs()
  assert.equal(await table.reach(0), false)
  assert.equal(clock.monotonicMs() - startMs, REACH_TIMEOUT_MS)
})
