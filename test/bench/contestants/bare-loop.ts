import kafkajs from 'kafkajs'
import { avroType, FRAME_BYTES, SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import type { UsageEvents } from '../../../schemas/records.ts'
import { report } from '../harness/child-report.ts'

/**
 * The base of all ratios: one kafkajs consumer that decodes with avsc and adds up per node and minute in a Map. It has no
 * commit, no output and no guarantee, and drops no repeats.
 */
const { brokers, topic, events, group } = JSON.parse(process.argv[2] ?? '{}') as {
  brokers: string[]
  topic: string
  events: number
  group: string
}

const type = avroType('usage-events.v2')
const sums = new Map<string, { events: number; tokens: number; costNanoUsd: number }>()
const { promise: done, resolve: finish } = Promise.withResolvers<void>()
let seen = 0
let costNanoUsd = 0
let startedMs = 0
let startCpu = process.cpuUsage()

const consumer = new kafkajs.Kafka({
  brokers,
  clientId: 'bare',
  logLevel: kafkajs.logLevel.NOTHING,
}).consumer({
  groupId: group,
  maxWaitTimeInMs: 100,
})
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    if (startedMs === 0) {
      startedMs = performance.now()
      startCpu = process.cpuUsage()
    }
    for (const { value } of batch.messages) {
      if (value === null || schemaIdOf(value) !== SCHEMA_ID.usageEvents) continue
      const record = type.fromBuffer(value.subarray(FRAME_BYTES)) as UsageEvents
      for (const event of record.events) {
        const key = `${event.node_id}/${event.occurred_at - (event.occurred_at % 60_000)}`
        let sum = sums.get(key)
        if (sum === undefined) sums.set(key, (sum = { events: 0, tokens: 0, costNanoUsd: 0 }))
        sum.events++
        sum.tokens += event.tokens_in + event.tokens_out
        sum.costNanoUsd += event.cost_nano_usd
        costNanoUsd += event.cost_nano_usd
        seen++
      }
    }
    if (seen >= events) finish()
  },
})
await done
report({ startedMs, startCpu, events, detail: { windows: sums.size, costNanoUsd } })
process.exit(0)
