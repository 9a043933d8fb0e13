import { LoadedSeqs } from '../../pipelines/clickhouse/loaded-seqs.ts'
import { StoreGate } from '../../pipelines/blocks/store-gate.ts'
import { FleetState } from '../../pipelines/fleet/pipeline.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { checkInstallation } from '../runtime/installation.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { RunningService } from '../runtime/process.ts'
import { runTasks } from '../runtime/tasks.ts'

/** fleet.inbox → fleet.state, fleet.blocks. */
export async function startFleet(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics } = parts
  const { topics, partitions } = layout
  await using undo = new AsyncDisposableStack()
  const client = clickhouseOf(config)
  undo.defer(() => client.close())
  const installationId = await checkInstallation({ config, logger, client, clientId: 'hivemeter-fleet' })
  const loadedSeqs = new LoadedSeqs({ client, topic: topics.fleetBlocks, partitions, clock, logger })
  const tasks = await runTasks(parts, {
    service: 'fleet',
    client,
    loadedSeqs,
    openState: (partition) =>
      new FleetState({
        partition,
        partitions,
        topics,
        loadedSeq: (of) => loadedSeqs.seqOf(of),
        gate: new StoreGate({ installationId, topic: topics.fleetBlocks, partition, marks: loadedSeqs }),
        endToken: parts.endToken,
        clock,
        metrics,
      }),
  })
  undo.defer(() => tasks.stop())
  const running = undo.move()
  return { ...tasks, stop: () => running.disposeAsync() }
}
