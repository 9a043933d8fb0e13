import { isTick } from '../../pipelines/load/group.ts'
import assert from 'node:assert/strict'
import { aggregatorTaskCodec, inboxConfigureCodec, settlerTaskCodec, STATE_KEY } from '../../schemas/avro.ts'
import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import type { FilledTable } from '../../schemas/tables.ts'
import { BLOCK_ROLES } from '../../schemas/topics.ts'
import type { BlockRole } from '../../schemas/topics.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { Row } from '../support/row-reader.ts'
import { judgeAccounts } from './judge-accounts.ts'
import { judgeSentOn, judgeUsage } from './judge-usage.ts'
import { placeOf } from './cluster.ts'
import { otherPartition, PARTITIONS, TOPICS } from './services.ts'
import { rowsOf } from './store-server.ts'
import type { World } from './world.ts'

/** A committed block of a log. */
export interface LogBlock {
  readonly table: string
  readonly seq: number
  readonly bytes: Buffer
  readonly rows: readonly Row[]
}

/** What one partition's logs came to. */
export interface PartitionLogs {
  readonly partition: number
  readonly usage: readonly LogRecord[]
  readonly inbox: readonly LogRecord[]
  readonly nodeState: readonly LogRecord[]
  readonly blocks: Readonly<Record<BlockRole, readonly LogBlock[]>>
}

/** Problems with what producers were told that are said. */
const RECEIPTS_SAID_MAX = 3

/** Everything that is wrong with the end of a run, in words: its logs against plain models, its store against its logs. */
export function judge(world: World): string[] {
  const problems = world.receipts.problems(world.cluster).slice(0, RECEIPTS_SAID_MAX)
  const check = (what: string, assertAll: () => void): void => {
    try {
      assertAll()
    } catch (error) {
      const said =
        error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 400) : String(error)
      problems.push(`${what}: ${said}`)
    }
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    check(`task records of ${partition}`, () => assertNeverFalls(world, partition))
    const logs = logsOf(world, partition)
    for (const topic of BLOCK_ROLES) {
      check(`numbers of ${TOPICS[topic]}[${partition}]`, () => assertNumbered(logs.blocks[topic]))
      check(`store of ${TOPICS[topic]}[${partition}]`, () =>
        assertStored(world, placeOf(TOPICS[topic], partition), logs.blocks[topic]),
      )
    }
    check(`usage of ${partition}`, () => judgeUsage(logs, world.undecided.isUndecidable, world.models))
    check(`sent on from ${partition}`, () => {
      const other = world.cluster.log(TOPICS.usageMetered, otherPartition(partition)).committed()
      judgeSentOn(partition, logs, other)
    })
    check(`accounts of ${partition}`, () => judgeAccounts(logs, world.undecided.isUndecidable))
  }
  return problems
}

function logsOf({ cluster }: World, partition: number): PartitionLogs {
  const committed = (topic: string): LogRecord[] => cluster.log(topic, partition).committed()
  const before = (topic: string, position: number): LogRecord[] =>
    committed(topic).filter(({ offset }) => offset < position)
  const counted = taskValues(committed(TOPICS.usageIds)).at(-1)
  const settled = taskValues(committed(TOPICS.nodeState)).at(-1)
  const blocks = (role: BlockRole): LogBlock[] =>
    committed(TOPICS[role])
      .filter((record) => !isTick(record))
      .map(toLogBlock)
  return {
    partition,
    usage: before(TOPICS.usageMetered, counted ? aggregatorTaskCodec.decode(counted).position : 0),
    inbox: before(TOPICS.accountInbox, settled ? settlerTaskCodec.decode(settled).position : 0),
    nodeState: committed(TOPICS.nodeState),
    blocks: { usageBlocks: blocks('usageBlocks'), settlementBlocks: blocks('settlementBlocks') },
  }
}

function toLogBlock({ value, headers }: LogRecord): LogBlock {
  const text = (name: string): string => headers[name]?.toString() ?? ''
  const table = text(BLOCK_HEADER.table)
  const bytes = value ?? Buffer.alloc(0)
  return {
    table,
    seq: Number(text(BLOCK_HEADER.seq)),
    bytes,
    rows: rowsOf(bytes, table, text(BLOCK_HEADER.columns), text(BLOCK_HEADER.tablePartition), {
      format: text(BLOCK_HEADER.format) === 'Native' ? 'Native' : 'RowBinary',
      packed: text(BLOCK_HEADER.encoding) === 'zstd',
    }),
  }
}

function taskValues(records: readonly LogRecord[]): Buffer[] {
  return records.flatMap(({ key, value }) =>
    key?.toString() === STATE_KEY.task && value !== null ? [value] : [],
  )
}

/** Positions, numbers and watermarks of the task records, in the order of the log. */
function assertNeverFalls({ cluster }: World, partition: number): void {
  const ids = taskValues(cluster.log(TOPICS.usageIds, partition).committed()).map((value) => {
    const { position, next_seq, watermark, evicted_seq, models_version } = aggregatorTaskCodec.decode(value)
    return [position, next_seq, watermark, evicted_seq, models_version]
  })
  const state = taskValues(cluster.log(TOPICS.nodeState, partition).committed()).map((value) => {
    const { position, next_seq, now, watermark, handed_offset, rules } = settlerTaskCodec.decode(value)
    const rules_version = rules === null ? 0 : inboxConfigureCodec.decode(rules).version
    return [position, next_seq, now, watermark, handed_offset, rules_version]
  })
  for (const tasks of [ids, state]) {
    for (const [index, task] of tasks.entries()) {
      const before = tasks[index - 1] ?? []
      for (const [field, value] of task.entries()) {
        assert.ok(value >= (before[field] ?? 0), `field ${field} falls from ${before[field]} to ${value}`)
      }
    }
  }
}

function assertNumbered(blocks: readonly LogBlock[]): void {
  for (const [index, { seq }] of blocks.entries()) {
    assert.equal(seq, index + 1, `block ${index + 1} has number ${seq}`)
  }
}

/** Every block up to the loaded number is in the store once; what is above it at most once, and nothing else is there. */
function assertStored(world: World, source: string, blocks: readonly LogBlock[]): void {
  const loadedSeq = world.store.loadedSeq(source)
  const stored = new Map<Buffer, number>()
  for (const part of world.store.parts) {
    if (part.source !== source) continue
    for (const { bytes } of part.blocks) stored.set(bytes, (stored.get(bytes) ?? 0) + 1)
  }
  for (const { bytes, seq, table } of blocks) {
    const times = stored.get(bytes) ?? 0
    assert.ok(
      times === 1 || (times === 0 && seq > loadedSeq),
      `block ${seq} (${table}) is there ${times} times`,
    )
    stored.delete(bytes)
  }
  assert.equal(stored.size, 0, `${stored.size} blocks are in the store and not in the log`)
}

/** The rows of a table in the topic that fills it, as `plainRows`. */
export function tableRows({ blocks }: PartitionLogs, table: FilledTable): Row[] {
  const { name, filledBy } = TABLES[table]
  return plainRows(blocks[filledBy], name)
}

/** The rows of a table without the columns that say which block brought them. */
export function plainRows(blocks: readonly LogBlock[], table: string): Row[] {
  return blocks
    .filter((block) => block.table === table)
    .flatMap(({ rows }) => rows)
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('src_'))))
}
