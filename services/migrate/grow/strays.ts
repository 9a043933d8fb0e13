import type { GrowthKafka } from './drain.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import { schemaIdOf } from '../../../schemas/avro.ts'
import { holdsUsageEvents, usageEventsIn } from '../../../schemas/usage-values.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { putBack } from '../../replay/put-back.ts'

/**
 * Carries what foreign producers wrote to partitions that do not count over to the new version, with the receipt that it
 * came in with. It counts there once: a second run of this function makes repeats. What cannot be read stays where it is,
 * and is reported.
 */
export async function carryStrays(
  {
    kafka,
    idKey,
    say,
  }: { readonly kafka: GrowthKafka; readonly idKey: Buffer; readonly say: (line: string) => void },
  from: { readonly topic: string; readonly partitions: number },
  to: { readonly topic: string; readonly partitions: number },
): Promise<void> {
  const ranges = await readRanges({ ...kafka, topic: from.topic })
  const strays = [...ranges].filter(
    ([partition, { start, end }]) => partition >= from.partitions && end > start,
  )
  if (strays.length === 0) return
  let carried = 0
  let unreadable = 0
  const producer = new IdempotentProducer({ ...kafka, topic: to.topic, metrics: noMetrics })
  try {
    for (const [partition] of strays) {
      for await (const records of readPartition({ ...kafka, topic: from.topic, partition })) {
        for (const { value, timestampMs } of records) {
          const events = eventsOf(value)
          if (events === null) unreadable += 1
          else await putBack(producer, events, timestampMs, { ...to, idKey })
          carried += events?.length ?? 0
        }
      }
    }
  } finally {
    await producer.stop()
  }
  const places = strays.map(([partition]) => partition).join(', ')
  say(
    `Growth: ${carried} events carried over from partition ${places} of ${from.topic}, which somebody had added; ` +
      `${unreadable} records there cannot be read and stay.`,
  )
}

function eventsOf(value: Buffer | null): readonly UsageEvent[] | null {
  if (value === null || !holdsUsageEvents(schemaIdOf(value))) return null
  try {
    return usageEventsIn(value)
  } catch {
    return null
  }
}
