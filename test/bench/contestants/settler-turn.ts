import { setTimeout as delay } from 'node:timers/promises'
import { systemRandom } from '../../../pipelines/random.ts'
import { SettlerState } from '../../../pipelines/account/pipeline.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { TaskRunner } from '../../../pipelines/kafka/task-runner.ts'
import type { TaskState } from '../../../pipelines/task/task.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { report } from '../harness/child-report.ts'
import { INBOX_RULES } from '../loads/inbox-data.ts'
import { emptyStoreGate } from '../../support/memory/stored-marks.ts'

/**
 * One turn of the settler: the same runner and state as the service, from the shared inbox into state and blocks of this
 * turn. It is measured from the first batch decided to the last commit.
 */
const { brokers, topic, ends, prefix, costs } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  /** The inbox offset that each partition must reach. */
  ends: number[]
  prefix: string
  costs: number
}

/** Fewer records than this are ticks. */
const RECORDS_MIN = 3
const POLL_MS = 2

const topics = { ...topicNames(prefix), accountInbox: topic }
const detail = { transactions: 0 }
let startedMs = 0
let startCpu = process.cpuUsage()
const reached = ends.map(() => 0)

/** Passes everything on and records when it began and how far it came. */
function measured(partition: number, state: TaskState): TaskState {
  let position = 0
  return {
    restore: (record) => state.restore(record),
    // The inbox begins with the rules that this process would append.
    restored: (inputStart) => ({ ...state.restored(inputStart), appends: [] }),
    decide: async (batch) => {
      if (startedMs === 0 && batch.records.length >= RECORDS_MIN) {
        startedMs = performance.now()
        startCpu = process.cpuUsage()
      }
      const decision = await state.decide(batch)
      position = Number(decision.position)
      return decision
    },
    committed: (offsets) => {
      reached[partition] = position
      detail.transactions++
      return state.committed(offsets)
    },
    dispose: () => state.dispose(),
  }
}

const runner = new TaskRunner({
  brokers,
  clientId: 'bench-settler',
  logger: silentLogger,
  failpoint: noFailpoint,
  clock: systemClock,
  random: systemRandom,
  metrics: noMetrics,
  service: 'settler',
  topicPrefix: prefix,
  inputTopic: topic,
  stateTopic: topics.nodeState,
  outputTopics: [topics.settlementBlocks],
  tickWhenIdle: false,
  instance: prefix,
  openState: (partition) =>
    measured(
      partition,
      new SettlerState({
        partition,
        topics,
        rules: INBOX_RULES,
        loadedSeq: () => 0,
        gate: emptyStoreGate(),
        clock: systemClock,
        metrics: noMetrics,
      }),
    ),
})
await runner.start()
while (reached.some((position, partition) => position < (ends[partition] ?? 0))) {
  const [halt] = runner.halts()
  if (halt !== undefined) throw new Error(`Partition ${halt.partition} halted: ${halt.halt.message}`)
  await delay(POLL_MS)
}
report({ startedMs, startCpu, events: costs, detail })
process.exit(0)
