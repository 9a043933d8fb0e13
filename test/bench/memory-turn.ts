import { setTimeout as delay } from 'node:timers/promises'
import { createMetrics } from '../../services/metrics.ts'
import { BenchAggregator } from './bench-aggregator.ts'
import { report } from './child-report.ts'
import { slopeOfLastHalf } from './slope.ts'
import type { Sample } from './slope.ts'

/**
 * An aggregator under a load that somebody else paces: first up to `ends`, by when its memory of ids is full and as many
 * leave as come, then for `minutes`, in which its resident memory is sampled. With the metrics of the service.
 */
const argument = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  prefix: string
  partitions: number
  idsMax: number
  ends: number[]
  minutes: number
  eventsPerSecond: number
}

const SAMPLE_MS = 5_000
const POLL_MS = 20
const MEGABYTE = 1_048_576

const reached = argument.ends.map(() => 0)
let transactions = 0
const aggregator = new BenchAggregator({
  ...argument,
  instance: `${argument.prefix}${process.pid}`,
  loaded: true,
  metrics: createMetrics('aggregator'),
  watch: {
    restored: () => {},
    deciding: () => {},
    committed: (partition, position) => {
      reached[partition] = position
      transactions++
    },
  },
})
await aggregator.start()
while (reached.some((position, partition) => position < (argument.ends[partition] ?? 0))) {
  aggregator.check()
  await delay(POLL_MS)
}

const startedMs = performance.now()
const startCpu = process.cpuUsage()
const samples: Sample[] = []
transactions = 0
while (performance.now() - startedMs < argument.minutes * 60_000) {
  await delay(SAMPLE_MS)
  aggregator.check()
  samples.push({ atMs: performance.now() - startedMs, value: process.memoryUsage.rss() / MEGABYTE })
}
const { perHour, mean } = slopeOfLastHalf(samples)
report({
  startedMs,
  startCpu,
  events: argument.minutes * 60 * argument.eventsPerSecond,
  detail: {
    ids: aggregator.idPool.held,
    lookedUp: aggregator.lookedUp,
    transactions,
    samples: samples.length,
    mbPerHour: perHour,
    meanMb: mean,
    firstMb: samples[0]?.value ?? Number.NaN,
    lastMb: samples.at(-1)?.value ?? Number.NaN,
  },
})
await aggregator.stop()
process.exit(0)
