import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../pipelines/clock.ts'
import { TaskRunner } from '../../pipelines/kafka/task-runner.ts'
import type { TaskState } from '../../pipelines/kafka/task.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { AggregatorState } from '../../pipelines/usage/pipeline.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { topicNames } from '../../schemas/topics.ts'
import { report } from './child-report.ts'

/**
 * One turn of the aggregator: the same runner and state as the service, from the shared input topic into state and
 * output topics of this turn's own. Measured from the first batch decided to the last commit.
 */
const { brokers, topic, ends, prefix, partitions, events } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  /** Input offset that each partition must reach. */
  ends: number[]
  prefix: string
  partitions: number
  events: number
}

const topics = { ...topicNames(prefix), usageMetered: topic }
const idPool = { held: 0, max: 20_000_000 }
let startedMs = 0
let startCpu = process.cpuUsage()
const reached = ends.map(() => 0)

/** Passes everything on and notes when it began and how far it came. */
function measured(partition: number, state: TaskState): TaskState {
  let position = 0
  return {
    restore: (record) => state.restore(record),
    restored: (inputStart) => ({ ...state.restored(inputStart), appends: [] }),
    decide: async (batch) => {
      if (startedMs === 0 && batch.records.length > 2) {
        startedMs = performance.now()
        startCpu = process.cpuUsage()
      }
      const decision = await state.decide(batch)
      position = Number(decision.position)
      return decision
    },
    committed: (offsets) => {
      reached[partition] = position
      return state.committed(offsets)
    },
    dispose: () => state.dispose(),
  }
}

const runner = new TaskRunner({
  brokers,
  clientId: 'bench-aggregator',
  logger: silentLogger,
  failpoint: noFailpoint,
  clock: systemClock,
  metrics: noMetrics,
  service: 'aggregator',
  topicPrefix: prefix,
  inputTopic: topic,
  stateTopic: topics.usageIds,
  outputTopics: [topics.usageBlocks, topics.accountInbox],
  tickWhenIdle: false,
  instance: prefix,
  openState: (partition) =>
    measured(
      partition,
      new AggregatorState({
        partition,
        partitions,
        topics,
        idKey: Buffer.alloc(32, 7),
        idPool,
        lookup: async () => null,
        loadedSeq: () => 0,
        clock: systemClock,
        metrics: noMetrics,
      }),
    ),
})
await runner.start()
while (reached.some((position, partition) => position < (ends[partition] ?? 0))) await delay(2)
report({ startedMs, startCpu, events, detail: { ids: idPool.held } })
process.exit(0)
