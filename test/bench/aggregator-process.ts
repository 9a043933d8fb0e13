import { systemClock } from '../../pipelines/clock.ts'
import { TaskRunner } from '../../pipelines/kafka/task-runner.ts'
import type { TaskState } from '../../pipelines/kafka/task.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { AggregatorState } from '../../pipelines/usage/pipeline.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { topicNames } from '../../schemas/topics.ts'

/**
 * One process of an aggregator's turn: the same runner and state as the service, from the shared input topic into state and
 * output topics of this turn's own. It tells its parent how far it came, and what it used when the parent asks: the parent
 * alone sees how far all processes of the turn are.
 */
const { brokers, topic, prefix, partitions, instance } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  prefix: string
  partitions: number
  instance: string
}

const PROGRESS_MS = 20

const topics = topicNames(prefix)
const idPool = { held: 0, max: 20_000_000 }
const reached = Array.from({ length: partitions }, () => 0)
let startedMs = 0
let lastCommitMs = 0

/** Milliseconds that mean the same in every process of the machine. */
const nowMs = (): number => performance.timeOrigin + performance.now()

/** Passes everything on and notes when it began and how far it came. */
function measured(partition: number, state: TaskState): TaskState {
  let position = 0
  return {
    restore: (record) => state.restore(record),
    restored: (inputStart) => ({ ...state.restored(inputStart), appends: [] }),
    decide: async (batch) => {
      if (startedMs === 0 && batch.records.length > 2) startedMs = nowMs()
      const decision = await state.decide(batch)
      position = Number(decision.position)
      return decision
    },
    committed: (offsets) => {
      reached[partition] = position
      lastCommitMs = nowMs()
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
  instance,
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

process.on('message', (asked: 'go' | 'usage') => {
  if (asked === 'go') {
    void runner.start()
    setInterval(() => process.send?.({ reached }), PROGRESS_MS)
    return
  }
  const { user, system } = process.cpuUsage()
  const { maxRSS } = process.resourceUsage()
  const cpuSeconds = (user + system) / 1e6
  process.send?.({ usage: { startedMs, lastCommitMs, cpuSeconds, maxRssKb: maxRSS, ids: idPool.held } })
})
process.send?.({ ready: true })
