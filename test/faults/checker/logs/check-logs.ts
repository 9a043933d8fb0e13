import { SCHEMA_ID, schemaIdOf } from '../../../../schemas/avro.ts'
import { BLOCK_HEADER } from '../../../../schemas/tables.ts'
import { blockTopics, topicNames } from '../../../../schemas/topics.ts'
import type { Account } from '../../../../schemas/records.ts'
import { leaderOf } from '../../../support/servers/kafka-metadata.ts'
import { BlockOrder } from './block-order.ts'
import type { Log } from './log.ts'
import type { Problems } from '../problems.ts'
import { ProducerEpochs } from './producer-epochs.ts'
import { readBatches } from './raw-log.ts'
import { StateOrder } from './state-order.ts'

export interface LogsTarget {
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly partitions: number
}

/** What the logs contain. */
export interface CheckedLogs {
  /** The newest account of every node. */
  readonly accounts: ReadonlyMap<string, Account>
  readonly stateRecords: number
  /** Transactional batches, markers included. */
  readonly batches: number
  /** Batches that the broker left open and a fence decided. */
  readonly decidedByFence: number
}

/** Topics that a task writes in its transactions. */
const WRITTEN_BY_TASKS = ['usageIds', 'usageBlocks', 'accountInbox', 'nodeState', 'settlementBlocks'] as const

/** Reads the state topics, the numbers of the blocks, and the batches of every topic that a task writes. */
export async function checkLogs(log: Log, target: LogsTarget, problems: Problems): Promise<CheckedLogs> {
  const topics = topicNames(target.topicPrefix)
  const aggregators = await readState(log, topics.usageIds, 'aggregator', target.partitions, problems)
  const settlers = await readState(log, topics.nodeState, 'settler', target.partitions, problems)
  for (const topic of blockTopics(topics)) await readBlocks(log, topic, target.partitions, problems)
  let batches = 0
  let decidedByFence = 0
  for (const role of WRITTEN_BY_TASKS) {
    for (const epochs of await readEpochs(log, topics[role], target, problems)) {
      batches += epochs.batches
      decidedByFence += epochs.decidedByFence
    }
  }
  return {
    accounts: new Map(settlers.flatMap(({ accounts }) => [...accounts])),
    stateRecords: [...aggregators, ...settlers].reduce((sum, { records }) => sum + records, 0),
    batches,
    decidedByFence,
  }
}

async function readState(
  log: Log,
  topic: string,
  kind: 'aggregator' | 'settler',
  partitions: number,
  problems: Problems,
): Promise<StateOrder[]> {
  const orders = Array.from({ length: partitions }, (_, partition) => {
    return new StateOrder(`${topic}[${partition}]`, kind, problems)
  })
  await log.read(topic, (record) => partitionOf(orders, topic, record.partition).add(record))
  return orders
}

async function readBlocks(log: Log, topic: string, partitions: number, problems: Problems): Promise<void> {
  const orders = Array.from({ length: partitions }, (_, partition) => {
    return new BlockOrder(`${topic}[${partition}]`, problems)
  })
  await log.read(topic, ({ partition, offset, header, value }) => {
    // A fence leaves a tick among the blocks.
    if (header(BLOCK_HEADER.table) === null && schemaIdOf(value) === SCHEMA_ID.tick) return
    partitionOf(orders, topic, partition).add(offset, header(BLOCK_HEADER.seq))
  })
}

async function readEpochs(
  log: Log,
  topic: string,
  target: LogsTarget,
  problems: Problems,
): Promise<ProducerEpochs[]> {
  const read: ProducerEpochs[] = []
  for (const [partition, { start }] of await log.ranges(topic)) {
    const leader = () => leaderOf(target.brokers, topic, partition)
    const epochs = new ProducerEpochs(`${topic}[${partition}]`, problems)
    for await (const { header } of readBatches({ leader, topic, partition, from: start })) epochs.add(header)
    read.push(epochs)
  }
  return read
}

function partitionOf<Order>(orders: readonly Order[], topic: string, partition: number): Order {
  const order = orders[partition]
  if (order === undefined)
    throw new Error(`${topic} has a partition ${partition}, --partitions says ${orders.length}.`)
  return order
}
