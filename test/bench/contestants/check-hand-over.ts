import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { inboxUsageCodec, SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import type { Facts } from '../loads/facts.ts'

/** The sums that the inbox of a turn must have. */
export type HandedOver = Pick<Facts, 'unique' | 'paidNanoUsd'>

/** Throws unless the inbox of a turn adds up to the truth: every unique event once, every cost once. */
export async function checkHandOver(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly facts: HandedOver
}): Promise<void> {
  const { facts } = options
  let events = 0
  let paidNanoUsd = 0n
  let costsNanoUsd = 0n
  for (let partition = 0; partition < options.partitions; partition++) {
    const log = readPartition({
      brokers: options.brokers,
      clientId: 'bench-check',
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
      topic: options.topic,
      partition,
    })
    for await (const records of log) {
      for (const { value } of records) {
        if (value === null || schemaIdOf(value) !== SCHEMA_ID.inboxUsage) continue
        const usage = inboxUsageCodec.decode(value)
        for (const sum of usage.sums) {
          events += sum.events
          paidNanoUsd += BigInt(sum.cost_nano_usd)
        }
        for (const { cost } of usage.entries) if (cost !== null) costsNanoUsd += BigInt(cost.cost_nano_usd)
      }
    }
  }
  const wrong =
    events !== facts.unique || paidNanoUsd !== facts.paidNanoUsd || costsNanoUsd !== facts.paidNanoUsd
  if (wrong) {
    throw new Error(
      `The hand-over is wrong: ${events} events (${facts.unique}), ${paidNanoUsd} summed and ${costsNanoUsd} itemised nano-USD (${facts.paidNanoUsd}).`,
    )
  }
}
