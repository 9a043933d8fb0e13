import { SettlerState } from '../../pipelines/account/pipeline.ts'
import { LoadedSeqs } from '../../pipelines/clickhouse/loaded-seqs.ts'
import { StoreGate } from '../../pipelines/blocks/store-gate.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { checkInstallation } from '../runtime/installation.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { RunningService } from '../runtime/process.ts'
import { rulesOf } from '../runtime/rules.ts'
import { runTasks } from '../runtime/tasks.ts'

/** account.inbox → node.state, settlement.blocks. */
export async function startSettler(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics } = parts
  const { topics } = layout
  await using undo = new AsyncDisposableStack()
  const client = clickhouseOf(config)
  undo.defer(() => client.close())
  const installationId = await checkInstallation({ config, logger, client, clientId: 'hivemeter-settler' })
  const { partitions } = layout
  const loadedSeqs = new LoadedSeqs({ client, topic: topics.settlementBlocks, partitions, clock, logger })
  const tasks = await runTasks(parts, {
    service: 'settler',
    client,
    loadedSeqs,
    openState: (partition) =>
      new SettlerState({
        partition,
        topics,
        rules: rulesOf(config),
        loadedSeq: (of) => loadedSeqs.seqOf(of),
        gate: new StoreGate({ installationId, topic: topics.settlementBlocks, partition, marks: loadedSeqs }),
        endToken: parts.endToken,
        decidePoint: parts.decidePoint,
        clock,
        metrics,
      }),
  })
  undo.defer(() => tasks.stop())
  const running = undo.move()
  return { ...tasks, stop: () => running.disposeAsync() }
}
