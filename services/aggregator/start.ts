import { idLookup } from '../../pipelines/clickhouse/queries/id-lookup.ts'
import { LoadedSeqs } from '../../pipelines/clickhouse/loaded-seqs.ts'
import { StoreGate } from '../../pipelines/blocks/store-gate.ts'
import { AggregatorState } from '../../pipelines/usage/pipeline.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { checkInstallation } from '../runtime/installation.ts'
import { ID_KEY, readKeyFile } from '../runtime/key-file.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { RunningService } from '../runtime/process.ts'
import { FollowedModels } from '../models/follow-models.ts'
import { runTasks } from '../runtime/tasks.ts'
import { ForeignPartitioner } from './foreign-partitioner.ts'
import { StrayWatch } from './strays.ts'
import { TransactionWatch } from './transaction-watch.ts'

/** Longest wait for a lookup of old ids: a ClickHouse that is slower counts as away. */
const LOOKUP_TIMEOUT_MS = 5_000

/** usage.metered, hivemeter.models → usage.ids, usage.blocks, account.inbox. */
export async function startAggregator(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics } = parts
  const { topics } = layout
  const idKey = readKeyFile(ID_KEY, config.idKeyFile)
  const idPool = { held: 0, max: config.idsMax }
  await using undo = new AsyncDisposableStack()
  const client = clickhouseOf(config, { requestTimeoutMs: LOOKUP_TIMEOUT_MS })
  undo.defer(() => client.close())
  const installationId = await checkInstallation({ config, logger, client, clientId: 'hivemeter-aggregator' })
  const { partitions } = layout
  const loadedSeqs = new LoadedSeqs({ client, topic: topics.usageBlocks, partitions, clock, logger })
  const lookup = idLookup(client, topics.usageBlocks)
  const models = new FollowedModels(parts, 'aggregator')
  undo.defer(() => models.stop())
  await models.awaitLoad()
  const strays = new StrayWatch(parts)
  const transactions = new TransactionWatch(parts)
  const foreign = new ForeignPartitioner(topics.usageMetered, clock, logger)
  const tasks = await runTasks(parts, {
    service: 'aggregator',
    client,
    loadedSeqs,
    openState: (partition, forward) =>
      new AggregatorState({
        partition,
        partitions,
        topics,
        idKey,
        idPool,
        lookup,
        models,
        loadedSeq: (of) => loadedSeqs.seqOf(of),
        gate: new StoreGate({ installationId, topic: topics.usageBlocks, partition, marks: loadedSeqs }),
        endToken: parts.endToken,
        forward,
        onForwarded: (events) => foreign.sentOn(partition, events),
        decidePoint: parts.decidePoint,
        clock,
        metrics,
      }),
  })
  undo.defer(() => tasks.stop())
  undo.defer(() => transactions.stop())
  undo.defer(() => strays.stop())
  void strays.run()
  void transactions.run()
  const running = undo.move()
  return {
    ...tasks,
    readiness: () => {
      const { waitingFor, ...rest } = tasks.readiness()
      const notes = [...models.notes(), ...transactions.notes(), ...foreign.notes()]
      return { ...rest, waitingFor: [...waitingFor, ...models.waitingFor()], notes }
    },
    failed: Promise.race([tasks.failed, models.failed]),
    stop: () => running.disposeAsync(),
  }
}
