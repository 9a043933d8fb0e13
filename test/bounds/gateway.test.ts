import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { test } from 'node:test'
import { createZstdCompress, gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib'
import { silentLogger } from '../../pipelines/logger.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { BODY_BYTES_MAX, Unpacker } from '../../services/gateway/body.ts'
import { ManualClock, MemoryLog, settled } from '../../services/gateway/fixtures.ts'
import { LogClock } from '../../services/gateway/queue/log-clock.ts'
import type { RecordQueue } from '../../services/gateway/queue/record-queue.ts'
import { Submission } from '../../services/gateway/queue/submission.ts'
import { SEND_BYTES_MAX, WaitingRecords } from '../../services/gateway/queue/waiting-records.ts'
import { usagePacker } from '../../services/gateway/usage/usage-pack.ts'
import { usageQueue } from '../../services/gateway/usage/usage-queue.ts'
import { Problem } from '../../services/http/problem.ts'
import { bound } from '../support/oracles/named-bounds.ts'
import { usageEvent } from '../support/records/usage-events.ts'
import { APPEND_PATIENCE_MS } from '../../pipelines/log/append-lanes.ts'

const TERMS = { holder: 'a', sizeBytesMax: BODY_BYTES_MAX, charge: () => true }

const NOW = Date.UTC(2026, 10, 21, 12)

function newQueue(clock: ManualClock, log: MemoryLog): RecordQueue<UsageEvent> {
  return usageQueue({ producer: log, partitions: 4, clock, logger: silentLogger, metrics: noMetrics })
}

test('UNPACKING_MAX bodies are unpacked at once, one more waits for its turn', async () => {
  const unpackingMax = bound('services/gateway/body.ts', 'UNPACKING_MAX')
  const unpacker = new Unpacker()
  const packed = gzipSync(Buffer.alloc(1_000_000))
  let begun = 0
  const hook = createHook({ init: (_id, type) => (begun += Number(type === 'ZLIB')) }).enable()
  try {
    const all = Promise.all(
      Array.from({ length: unpackingMax + 1 }, () => unpacker.unpack(packed, 'gzip', TERMS)),
    )
    // Microtasks only: none of the first can have ended meanwhile.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
    assert.equal(begun, unpackingMax)
    for (const body of await all) assert.equal(body.length, 1_000_000)
    assert.equal(begun, unpackingMax + 1)
  } finally {
    hook.disable()
  }
})

test('FRAMES_MAX frames of one body are joined, one more is refused', async () => {
  const framesMax = bound('services/gateway/body.ts', 'FRAMES_MAX')
  const unpacker = new Unpacker()
  const frames = Array.from({ length: framesMax }, () => zstdCompressSync('[]'))
  assert.equal(
    (await unpacker.unpack(Buffer.concat(frames), 'zstd', TERMS)).toString(),
    '[]'.repeat(framesMax),
  )
  await assert.rejects(
    unpacker.unpack(Buffer.concat([...frames, zstdCompressSync('')]), 'zstd', TERMS),
    /more than/,
  )
})

test('ZSTD_WINDOW_LOG_MAX: a frame that asks for a larger window is refused', async () => {
  const windowLogMax = bound('services/gateway/body.ts', 'ZSTD_WINDOW_LOG_MAX')
  const packedWith = async (windowLog: number): Promise<Buffer> => {
    // A stream does not know its size when its head is written, so it must name its window.
    const stream = createZstdCompress({ params: { [zlib.ZSTD_c_windowLog]: windowLog } })
    stream.end('[]')
    return Buffer.concat((await stream.toArray()) as Buffer[])
  }
  const unpacker = new Unpacker()
  assert.equal((await unpacker.unpack(await packedWith(windowLogMax), 'zstd', TERMS)).toString(), '[]')
  await assert.rejects(
    unpacker.unpack(await packedWith(windowLogMax + 1), 'zstd', TERMS),
    (error) => error instanceof Problem && error.code === 'unreadable_body',
  )
})

test('SEND_BYTES_MAX: records up to it go with one send, the next ones with the next', () => {
  const long = '😀'.repeat(128)
  const events = Array.from({ length: 60 }, (_, node) =>
    usageEvent({ node_id: `node-${node}`, model_id: long, event_text: long }),
  )
  const records = new WaitingRecords(usagePacker, 64)
  const submission = new Submission(1e6)
  for (let round = 0; round < 200; round += 1) records.add(events, submission)
  const sends: number[] = []
  while (!records.isEmpty) {
    sends.push(records.takeSend().reduce((sum, { pack }) => sum + pack.sizeBytes, 0))
  }
  assert.ok(sends.length > 1)
  assert.ok(
    sends.every((sizeBytes) => sizeBytes <= SEND_BYTES_MAX),
    sends.join(),
  )
  assert.ok(Number(sends[0]) > SEND_BYTES_MAX - 900_000, 'and is filled before the next one begins')
})

test('CLOCK_STEP_MS_MAX: the log’s time is known up to a step of the machine’s clock, and not beyond', () => {
  const stepMax = bound('services/gateway/queue/log-clock.ts', 'CLOCK_STEP_MS_MAX')
  for (const direction of [1, -1]) {
    const clock = new ManualClock(NOW)
    const logClock = new LogClock(clock)
    logClock.acknowledged(NOW + 700, NOW)
    clock.wallMs += direction * stepMax
    assert.equal(logClock.receiptMs(), NOW + 700 + direction * stepMax)
    clock.wallMs += direction
    assert.equal(logClock.receiptMs(), null)
  }
})

test('STOP_PATIENCE_MS: a stop waits so long beyond its last send, and once more for the producer', async () => {
  const patienceMs = bound('services/gateway/queue/record-queue.ts', 'STOP_PATIENCE_MS')
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const queue = newQueue(clock, log)
  queue.start()
  await settled()
  await settled()
  log.plan.push('hold')
  const offered = queue.offer([usageEvent()])
  await settled()
  log.stop = () => new Promise(() => {})
  let isStopped = false
  const stopped = queue.stop().then(() => (isStopped = true))
  await clock.pass(APPEND_PATIENCE_MS)
  assert.partialDeepStrictEqual(await offered, { acknowledged: 0, unknown: [0], notTaken: [] })
  await clock.pass(patienceMs - 1)
  await clock.pass(1)
  await clock.pass(patienceMs - 1)
  assert.equal(isStopped, false)
  await clock.pass(1)
  await stopped
})

test('credentials take turns in unpacking: one body of another does not wait behind many of one', async () => {
  const unpacker = new Unpacker()
  const packed = gzipSync(Buffer.alloc(4_000_000))
  const ended: string[] = []
  const unpack = async (holder: string): Promise<void> => {
    await unpacker.unpack(packed, 'gzip', { ...TERMS, holder })
    ended.push(holder)
  }
  const unpackingMax = bound('services/gateway/body.ts', 'UNPACKING_MAX')
  const many = Array.from({ length: 10 * unpackingMax }, () => unpack('many'))
  await Promise.all([...many, unpack('one')])
  // Those that had begun when it came may end before it, and so may those that begin together with it.
  assert.ok(ended.indexOf('one') <= 2 * unpackingMax, ended.join())
})

test('unpacked bytes need room too', async () => {
  const charged: number[] = []
  const charge = (sizeBytes: number): boolean => charged.push(sizeBytes) === 1
  const unpacker = new Unpacker()
  const packed = gzipSync(Buffer.alloc(1_000))
  assert.equal((await unpacker.unpack(packed, 'gzip', { ...TERMS, charge })).length, 1_000)
  await assert.rejects(
    unpacker.unpack(packed, 'gzip', { ...TERMS, charge }),
    (error) => error instanceof Problem && error.code === 'overloaded',
  )
  assert.deepEqual(charged, [1_000, 1_000])
})
