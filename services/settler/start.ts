import { SettlerState } from '../../pipelines/account/pipeline.ts'
import { LoadedSeqs } from '../../pipelines/load/loaded-seqs.ts'
import { StoreGate } from '../../pipelines/load/store-gate.ts'
import { clickhouseOf } from '../clickhouse.ts'
import { checkInstallation } from '../installation.ts'
import type { LayoutParts } from '../follow-layout.ts'
import type { RunningService } from '../process.ts'
import { rulesOf } from '../rules.ts'
import { runTasks } from '../tasks.ts'

/** account.inbox → node.state, settlement.blocks. */
export async function startSettler(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics } = parts
  const { topics } = layout
  const client = clickhouseOf(config)
  const installationId = await checkInstallation({ config, logger, client, clientId: 'hivemeter-settler' })
  const { partitions } = layout
  const loadedSeqs = new LoadedSeqs({ client, topic: topics.settlementBlocks, partitions, clock, logger })
  return await runTasks(parts, {
    service: 'settler',
    inputTopic: topics.accountInbox,
    stateTopic: topics.nodeState,
    outputTopics: [topics.settlementBlocks],
    // The aggregator's ticks come through as inbox records.
    tickWhenIdle: false,
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
}
