import { BlockConsumer } from '../../pipelines/kafka/block-consumer.ts'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { PartitionLoader } from '../../pipelines/load/pipeline.ts'
import { INSERT_TIME_LIMIT_MS, openBlockStore } from '../../pipelines/load/store.ts'
import { watchStore } from '../../pipelines/load/watch-store.ts'
import { clickhouseOf, tablesMisfit } from '../runtime/clickhouse.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import type { HaltedPartition } from '../http/ops.ts'
import { checkInstallation } from '../runtime/installation.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import { blockTopics } from '../../schemas/topics.ts'
import type { RunningService } from '../runtime/process.ts'

/** Longer than the server's own limit: an answer says more than a closed socket. */
const REQUEST_TIMEOUT_MS = INSERT_TIME_LIMIT_MS + 2_000

const CLIENT_ID = 'hivemeter-loader'

/** Every topic of blocks → ClickHouse. */
export async function startLoader(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics, failpoint } = parts
  await using undo = new AsyncDisposableStack()
  const client = clickhouseOf(config, { requestTimeoutMs: REQUEST_TIMEOUT_MS })
  undo.defer(() => client.close())
  const installationId = await checkInstallation({ config, logger, client, clientId: CLIENT_ID })
  const store = openBlockStore(client)
  const loaders = new Map<string, PartitionLoader>()
  const halted = new Map<string, HaltedPartition>()
  const loaderOf = (topic: string, partition: number): PartitionLoader => {
    const place = `${topic}/${partition}`
    let loader = loaders.get(place)
    if (loader === undefined) {
      loader = new PartitionLoader({
        source: { topic, partition },
        installationId,
        store,
        clock,
        logger,
        metrics,
        failpoint,
      })
      loaders.set(place, loader)
    }
    return loader
  }
  const consumer = new BlockConsumer({
    ...kafkaOf(config, CLIENT_ID, logger),
    clock,
    metrics,
    topics: [...blockTopics(layout.topics), ...(await olderBlocks(parts))],
    partitions: layout.partitions,
    groupId: `${config.topicPrefix}loader`,
    onPartitions: (topic, partitions) => {
      // Topics whose loading halted are tried again, here or in another process.
      for (const [place, halt] of halted) if (halt.topic === topic) halted.delete(place)
      for (const partition of partitions) loaderOf(topic, partition).assigned()
    },
    onRecords: (topic, partition, records, session) => loaderOf(topic, partition).take(records, session),
    onHalt: (topic, partition, { reason, message, remedy }) => {
      metrics.count('hivemeter_task_halts_total', { reason })
      halted.set(`${topic}/${partition}`, { topic, partition, reason: message, remedy })
    },
  })
  undo.defer(() => consumer.stop())
  await consumer.start()
  const stopping = new AbortController()
  const watching = watchStore({
    loaders: () => loaders.values(),
    store,
    clock,
    signal: stopping.signal,
    redeliver: ({ topic, partition }, offset) => consumer.redeliver(topic, partition, offset),
  })
  undo.defer(async () => {
    stopping.abort()
    await watching
  })
  const running = undo.move()
  return {
    readiness: () => ({
      waitingFor: consumer.assigned === undefined ? ['block partitions to be assigned'] : [],
      halted: [...halted.values()],
    }),
    stop: () => running.disposeAsync(),
    failed: Promise.race([tablesMisfit(client, parts), consumer.failed]),
  }
}

/**
 * Topics of blocks of versions that ended, as long as they still exist. All of their blocks were loaded when the versions
 * ended; a ClickHouse that was restored from an older copy needs them again.
 */
async function olderBlocks({ config, layout, logger }: LayoutParts): Promise<readonly string[]> {
  const older = layout.before.flatMap(({ topics }) => blockTopics(topics))
  if (older.length === 0) return []
  const present = await withAdmin(kafkaOf(config, CLIENT_ID, logger), (admin) => admin.listTopics())
  return older.filter((topic) => present.includes(topic))
}
