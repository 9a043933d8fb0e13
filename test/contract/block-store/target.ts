import type { Insert } from '../../../pipelines/load/group.ts'
import type { BlockStore } from '../../../pipelines/load/store.ts'
import { TABLES } from '../../../schemas/tables.ts'
import type { LogRecord, TopicAppend } from '../../../pipelines/log/records.ts'
import { BlockLog } from '../../../pipelines/blocks/block-log.ts'
import { writeDeadLetter } from '../../../pipelines/blocks/dead-letter.ts'
import { insertsOf, toBlock } from '../../../pipelines/load/group.ts'
import { VirtualClock } from '../../support/memory/virtual-clock.ts'

/** A store under test, empty at its start. */
export interface StoreTarget {
  readonly store: BlockStore
  /** The same store while it does not answer. */
  readonly away: BlockStore
  /** The rows of a table that came from blocks of the topic. */
  count(table: string, topic: string): Promise<number>
  close(): Promise<void>
}

/** The INSERTs of a group as a task writes it: two dead letters of a month, and the row of `watermarks`. */
export interface GroupOfTest {
  readonly letters: Insert
  readonly watermarks: Insert
}

/** A group of `topic` whose first block is number `firstSeq`, with dead letters of the month of `receivedAtMs`. */
export async function groupOf(topic: string, firstSeq: number, receivedAtMs: number): Promise<GroupOfTest> {
  const log = new BlockLog({
    topic,
    partition: 0,
    nextSeq: firstSeq,
    clock: new VirtualClock(),
    after: { position: 0, watermarkMs: 0 },
  })
  for (let offset = 0; offset < 2; offset++) {
    const record: LogRecord = {
      partition: 0,
      offset: BigInt(offset),
      timestampMs: receivedAtMs,
      key: null,
      value: Buffer.from('x'),
      headers: {},
    }
    writeDeadLetter(log, 'usage.metered', { record, problems: [] }, receivedAtMs)
  }
  const appends = await log.finish({ position: firstSeq * 10, watermarkMs: receivedAtMs }, true, 0)
  const blocks = appends.map((append, index) => toBlock(asRecord(append, index)))
  const [first, last] = [blocks[0], blocks.at(-1)]
  if (first === undefined || last === undefined) throw new Error('The log wrote no block.')
  const [letters, watermarks] = insertsOf({
    blocks,
    firstSeq: first.seq,
    lastSeq: last.seq,
    firstOffset: first.offset,
    endOffset: last.offset + 1n,
  })
  if (letters?.table !== TABLES.deadLetters.name || watermarks === undefined) {
    throw new Error('The group is not what a task writes.')
  }
  return { letters, watermarks }
}

function asRecord({ partition, value, headers = {} }: TopicAppend, index: number): LogRecord {
  return {
    partition,
    offset: BigInt(index),
    timestampMs: 0,
    key: null,
    value,
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, Buffer.from(header)])),
  }
}
