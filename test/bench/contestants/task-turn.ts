import { setTimeout as delay } from 'node:timers/promises'
import { noMetrics } from '../../../schemas/metrics.ts'
import { BenchAggregator } from './bench-aggregator.ts'
import { report } from '../harness/child-report.ts'

/**
 * One aggregator from its start to an offset of every partition, stopped in order: a second turn under the same prefix
 * goes on where this one stopped. It is measured from the first batch decided to the last commit; and also, from the
 * start of the process, when all partitions were running and when a first and a last one had committed.
 */
const argument = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  prefix: string
  partitions: number
  idsMax: number
  loaded: boolean
  /** The input offset that each partition must reach. */
  ends: number[]
  /** The number of events that this turn counts. */
  events: number
  /** When the process was started, by the clock of the process that started it. */
  spawnedAtMs: number
}

/** Fewer records than this are ticks. */
const RECORDS_MIN = 3
const POLL_MS = 2

const reached = argument.ends.map(() => 0)
const detail = { runningMs: 0, firstCommitMs: 0, lastCommitMs: 0, ids: 0, lookedUp: 0 }
const running = new Set<number>()
const sinceSpawnMs = (): number => Date.now() - argument.spawnedAtMs
let startedMs = 0
let startCpu = process.cpuUsage()

const aggregator = new BenchAggregator({
  ...argument,
  instance: `${argument.prefix}${process.pid}`,
  metrics: noMetrics,
  watch: {
    restored: (partition) => {
      running.add(partition)
      if (running.size === argument.partitions) detail.runningMs = sinceSpawnMs()
    },
    deciding: (_partition, records) => {
      if (startedMs > 0 || records < RECORDS_MIN) return
      startedMs = performance.now()
      startCpu = process.cpuUsage()
    },
    committed: (partition, position) => {
      if (startedMs > 0 && detail.firstCommitMs === 0) detail.firstCommitMs = sinceSpawnMs()
      reached[partition] = position
    },
  },
})
await aggregator.start()
while (reached.some((position, partition) => position < (argument.ends[partition] ?? 0))) {
  aggregator.check()
  await delay(POLL_MS)
}
detail.lastCommitMs = sinceSpawnMs()
detail.ids = aggregator.idPool.held
detail.lookedUp = aggregator.lookedUp
report({ startedMs, startCpu, events: argument.events, detail })
await aggregator.stop()
process.exit(0)
