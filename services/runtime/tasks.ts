import { SERVICES } from '../../schemas/services.ts'
import type { TaskServiceName } from '../../schemas/services.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { FatalError } from '../../pipelines/log/records.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import { TaskRunner } from '../../pipelines/kafka/task-runner.ts'
import type { LoadedSeqs } from '../../pipelines/clickhouse/loaded-seqs.ts'
import { kafkaOf } from './kafka.ts'
import { tablesMisfit } from './clickhouse.ts'
import { EXIT, ExitError } from './exit.ts'
import type { LayoutParts } from './follow-layout.ts'
import type { RunningService } from './process.ts'

export interface TaskServiceOptions {
  readonly service: TaskServiceName
  readonly client: ClickhouseClient
  readonly loadedSeqs: LoadedSeqs
  readonly openState: (partition: number, forward: Forward) => TaskState
}

const INSTANCE_BYTES = 6

/**
 * Runs the tasks of a service: all that such services share, except their state. The caller still owns the client and
 * closes it.
 */
export async function runTasks(parts: LayoutParts, options: TaskServiceOptions): Promise<RunningService> {
  const { config, layout, logger, clock, metrics, random } = parts
  const { service, client, loadedSeqs } = options
  const { input, state, outputs, tickWhenIdle } = SERVICES[service]
  const { topics } = layout
  const runner = new TaskRunner({
    ...kafkaOf(config, `hivemeter-${service}`, logger),
    clock,
    metrics,
    service,
    version: layout.version,
    partitions: layout.partitions,
    topicPrefix: config.topicPrefix,
    inputTopic: topics[input],
    stateTopic: topics[state],
    outputTopics: outputs.map((role) => topics[role]),
    tickWhenIdle,
    instance: random.bytes(INSTANCE_BYTES).toString('hex'),
    openState: options.openState,
    failpoint: parts.failpoint,
  })
  await using undo = new AsyncDisposableStack()
  undo.defer(() => loadedSeqs.stop())
  loadedSeqs.start()
  undo.defer(() => runner.stop())
  await runner.start()
  const running = undo.move()
  return {
    readiness: () => ({
      waitingFor: runner.waitingFor(),
      halted: runner.halts().map(({ topic, partition, halt }) => ({
        topic,
        partition,
        reason: halt.message,
        remedy: halt.remedy,
      })),
    }),
    stop: () => running.disposeAsync(),
    failed: Promise.race([
      tablesMisfit(client, parts),
      runner.failed.then((error) =>
        error instanceof FatalError
          ? new ExitError(EXIT.configuration, error.message, { cause: error })
          : error,
      ),
    ]),
  }
}
