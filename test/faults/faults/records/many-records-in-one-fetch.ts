import { systemClock } from '../../../../pipelines/clock.ts'
import type { UsageEvent } from '../../../../schemas/usage.ts'
import { leaderOf } from '../../../support/servers/kafka-metadata.ts'
import { appendBatch, packedBatch } from '../../../support/records/packed-batch.ts'
import { nodesOf, usageRecord } from '../../../support/records/produce.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault, FaultContext } from '../../harness/fault.ts'

const RECORDS = 130_000

/**
 * The number of different events among the records: the rest are repeats, so that the batch packs well and the run stays
 * short.
 */
const EVENTS = 1_000
const COUNTED_MS = 60_000

/** One event a record, `RECORDS` of them in batches of `batchRecords`, on one partition. */
async function strike(context: FaultContext, batchRecords: number): Promise<void> {
  const { fleet, history, stream, dice } = context
  const { partitions } = fleet.installation
  const partition = dice.between(0, partitions - 1)
  const [node = ''] = nodesOf(partition, partitions, 1)
  const events = Array.from({ length: EVENTS }, (): UsageEvent => stream.fresh(node))
  const values = events.map((event) => usageRecord(partition, [event]).value as Buffer)
  const { kafka, topics } = fleet.installation
  const broker = await leaderOf(kafka.brokers, topics.usageMetered, partition)
  let outcome: 'accepted' | 'unknown' = 'unknown'
  try {
    for (let from = 0; from < RECORDS; from += batchRecords) {
      const count = Math.min(batchRecords, RECORDS - from)
      const some = Array.from({ length: count }, (_, index) => values[(from + index) % EVENTS] as Buffer)
      await appendBatch(broker, topics.usageMetered, partition, packedBatch(some, systemClock.nowMs()))
    }
    outcome = 'accepted'
  } finally {
    // Each is recorded once: that the other copies are repeats changes nothing that the checker computes.
    for (const event of events) history.attempt(event, outcome)
  }
  await untilCounted(fleet, events, COUNTED_MS)
}

/** A foreign producer's single packed batch holds more records than a call takes as arguments. */
export const manyRecordsInOneBatch: Fault = {
  name: 'many-records-in-one-batch',
  lanes: ['world'],
  strike: async (context) => {
    await strike(context, RECORDS)
    return NOTHING_MET
  },
}

/** As many records, in packed batches that one fetch brings together. */
export const manyRecordsInOneFetch: Fault = {
  name: 'many-records-in-one-fetch',
  lanes: ['world'],
  strike: async (context) => {
    await strike(context, EVENTS)
    return NOTHING_MET
  },
}
