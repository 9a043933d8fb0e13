import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { topicNames } from '../../../../schemas/topics.ts'
import { UsageMaker, usageRecord } from '../../../support/records/produce.ts'
import { recordsOf } from './batch-records.ts'
import { checkReplicas } from './check-replicas.ts'
import { History } from '../history/history.ts'
import { Problems } from '../problems.ts'
import type { Work } from '../work.ts'

const PREFIX = 'replicas.'
const TOPIC = topicNames(PREFIX).usageMetered
const maker = new UsageMaker(3, Buffer.alloc(8, 9))
const EVENTS = Array.from({ length: 3 }, () => maker.event('node-1'))

/** The content of an event is not compared here. */
const WORK: Work = {
  operatorId: null,
  modelId: 'model',
  taskSource: 'hive',
  occurredAtMs: 0,
  tokensIn: 0,
  tokensOut: 0,
  durationMs: null,
  gpuMs: null,
  energyMwh: null,
  energySource: 'none',
  costNanoUsd: 0,
  inferences: 1,
  execution: null,
}

/** A number of seven bits a byte, zigzag. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return [...bytes, rest]
}

function record(value: Buffer, delta: number): Buffer {
  const head = [0, ...varint(0), ...varint(delta), ...varint(-1), ...varint(value.length)]
  const header = [...varint(1), ...varint(1), 0x68, ...varint(2), 7, 8]
  const body = Buffer.concat([Buffer.from(head), value, Buffer.from(header)])
  return Buffer.concat([Buffer.from(varint(body.length)), body])
}

function batch(
  baseOffset: number,
  values: readonly Buffer[],
  codec = 0,
  pack = (plain: Buffer) => plain,
): Buffer {
  const records = pack(Buffer.concat(values.map(record)))
  const bytes = Buffer.concat([Buffer.alloc(61), records])
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE(codec, 21)
  bytes.writeInt32BE(values.length - 1, 23)
  bytes.writeInt32BE(values.length, 57)
  return bytes
}

const valueOf = (index: number): Buffer => usageRecord(0, EVENTS.slice(index, index + 1)).value as Buffer

describe('replicas', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-replicas-'))
  after(() => rm(dir, { recursive: true }))
  const logDirs = [1, 2, 3].map((id) => join(dir, `broker-${id}`))
  const history = new History()
  for (const { node_id: nodeId, event_id } of EVENTS) {
    history.add({ nodeId, id: event_id.toString('hex'), work: WORK, outcome: 'accepted', isConflict: false })
  }
  const segment = (logDir: string): string => join(logDir, `${TOPIC}-0`, '00000000000000000000.log')
  const lines = async (): Promise<string[]> => {
    const problems = new Problems()
    await checkReplicas({ logDirs, topicPrefix: PREFIX, partitions: 1 }, history, problems)
    return problems.lines()
  }

  it('finds every acknowledged event in each log, and each log like the others', async () => {
    for (const logDir of logDirs) {
      await mkdir(join(logDir, `${TOPIC}-0`), { recursive: true })
      await writeFile(
        segment(logDir),
        Buffer.concat([batch(0, [valueOf(0), valueOf(1)]), batch(2, [valueOf(2)])]),
      )
    }
    assert.deepEqual(await lines(), [])
  })

  it('names what differs, what one log lacks, and what none has', async () => {
    await appendFile(segment(logDirs[1] ?? ''), batch(3, [valueOf(0)]))
    await writeFile(segment(logDirs[2] ?? ''), batch(0, [valueOf(0), valueOf(1)]))
    const ids = EVENTS.map(({ event_id }) => `node-1 ${event_id.toString('hex')}`)
    assert.deepEqual(await lines(), [
      `replica: ${TOPIC}-0: broker 2 differs from broker 1 in its end: it goes on at offset 3`,
      `replica: ${TOPIC}-0: broker 3 differs from broker 1 in its end: it has nothing from offset 2 on`,
      `replica: event ${ids[2]} was acknowledged and is not in the log of broker 3`,
    ])
    for (const logDir of logDirs) await writeFile(segment(logDir), batch(0, [valueOf(0), valueOf(1)]))
    assert.deepEqual(await lines(), [
      `replica: event ${ids[2]} was acknowledged and is not in the log of broker 1, 2, 3`,
    ])
  })

  it('reads records of every codec', async () => {
    const packs = [
      (plain: Buffer) => plain,
      gzipSync,
      snappy.compressSync,
      lz4.compressFrameSync,
      zstdCompressSync,
    ] as const
    for (const [codec, pack] of packs.entries()) {
      const [first, second, ...more] = await recordsOf(
        batch(40, [valueOf(0), valueOf(1)], codec, (plain) => Buffer.from(pack(plain))),
      )
      assert.equal(more.length, 0)
      assert.deepEqual([first?.offset, second?.offset], [40n, 41n])
      assert.deepEqual([first?.key, first?.value, second?.value], [null, valueOf(0), valueOf(1)])
      assert.deepEqual([first?.header('h'), first?.header('g')], [Buffer.from([7, 8]), null])
    }
  })
})
