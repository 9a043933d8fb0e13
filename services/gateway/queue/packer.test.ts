import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../pipelines/logger.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { ManualClock, MemoryLog, settled } from '../fixtures.ts'
import type { Pack, Packer } from './packer.ts'
import { RecordQueue } from './record-queue.ts'

const PARTITIONS = 4
const EVENTS_MAX = 3

interface Reading {
  readonly node: string
  readonly watts: number
}

/** One line for each event, at most three in a record. */
class Lines implements Pack<Reading> {
  readonly #lines: string[] = []

  get events(): number {
    return this.#lines.length
  }

  get sizeBytes(): number {
    return this.finish().length
  }

  add({ node, watts }: Reading): boolean {
    if (this.#lines.length === EVENTS_MAX) return false
    this.#lines.push(`${node} ${watts}`)
    return true
  }

  finish(): Buffer {
    return Buffer.from(this.#lines.join('\n'))
  }
}

const packer: Packer<Reading> = { nodeOf: ({ node }) => node, begin: () => new Lines() }

test('the queue of another topic needs its packer alone', async () => {
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 12))
  const log = new MemoryLog(clock)
  const reported: string[] = []
  const queue = new RecordQueue({
    producer: log,
    partitions: PARTITIONS,
    packer,
    clock,
    logger: silentLogger,
    metrics: {
      accepted: (events) => reported.push(`accepted ${events}`),
      waiting: (events) => reported.push(`waiting ${events}`),
      takes: (isTaking) => reported.push(`takes ${isTaking}`),
    },
  })
  queue.start()
  await settled()
  await settled()
  const readings = Array.from({ length: 5 }, (_, watts) => ({ node: 'node-1', watts }))
  const offered = queue.offer(readings)
  const other = queue.offer([{ node: 'node-1', watts: 5 }])
  assert.partialDeepStrictEqual(await offered, { acknowledged: 5, unknown: [], notTaken: [] })
  assert.partialDeepStrictEqual(await other, { acknowledged: 1, unknown: [], notTaken: [] })
  const partition = partitionOfNode('node-1', PARTITIONS)
  assert.deepEqual(
    log.records.slice(1),
    ['node-1 0\nnode-1 1\nnode-1 2', 'node-1 3\nnode-1 4\nnode-1 5'].map((text) => ({
      partition,
      key: 'node-1',
      value: Buffer.from(text),
    })),
  )
  assert.deepEqual(reported, [
    'takes false',
    'takes true',
    'waiting 5',
    'waiting 6',
    'waiting 3',
    'accepted 3',
    'waiting 0',
    'accepted 3',
  ])
})
