import { noMetrics } from '../../../schemas/metrics.ts'
import { BenchAggregator } from './bench-aggregator.ts'
import { memoryOf } from '../harness/process-figures.ts'

/**
 * One process of an aggregator's turn: the same runner and state as the service, from the shared input topic into state
 * and output topics of this turn. It reports to its parent how far it came, and what it used when the parent requests
 * that: the parent alone knows how far all processes of the turn are.
 */
const { brokers, topic, prefix, partitions, instance } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  prefix: string
  partitions: number
  instance: string
}

const PROGRESS_MS = 20

/** Fewer records than this are ticks. */
const RECORDS_MIN = 3

const reached = Array.from({ length: partitions }, () => 0)
let startedMs = 0
let lastCommitMs = 0

/** Milliseconds that mean the same in every process of the machine. */
const nowMs = (): number => performance.timeOrigin + performance.now()

const aggregator = new BenchAggregator({
  brokers,
  topic,
  prefix,
  partitions,
  instance,
  idsMax: 20_000_000,
  loaded: false,
  metrics: noMetrics,
  watch: {
    restored: () => {},
    deciding: (_partition, records) => {
      if (startedMs === 0 && records >= RECORDS_MIN) startedMs = nowMs()
    },
    committed: (partition, position) => {
      reached[partition] = position
      lastCommitMs = nowMs()
    },
  },
})

process.on('message', (request: 'go' | 'usage') => {
  if (request === 'go') {
    void aggregator.start()
    setInterval(() => process.send?.({ reached }), PROGRESS_MS)
    return
  }
  const { user, system } = process.cpuUsage()
  const cpuSeconds = (user + system) / 1e6
  process.send?.({
    usage: {
      startedMs,
      lastCommitMs,
      cpuSeconds,
      peakMb: memoryOf(process.pid).peakMb,
      ids: aggregator.idPool.held,
    },
  })
})
process.send?.({ ready: true })
