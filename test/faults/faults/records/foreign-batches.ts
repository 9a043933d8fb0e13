import type { UsageEvent } from '../../../../schemas/usage.ts'
import { foreignProducerMissing, produceForeign } from '../../../support/processes/foreign-producer.ts'
import { nodesOf, usageRecord } from '../../../support/records/produce.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'

const COUNTED_MS = 60_000
const CODECS = ['zstd', 'lz4', 'snappy', 'gzip', 'none'] as const
const EVENTS_PER_RECORD = 50

/** Batches of Kafka's own Java client in every codec that it has: all of their events count. */
export const foreignBatches: Fault = {
  name: 'foreign-batches',
  lanes: ['world'],
  strike: async ({ fleet, history, stream }) => {
    const missing = foreignProducerMissing()
    if (missing !== undefined) throw new Error(missing)
    const { partitions } = fleet.installation
    const batches = Array.from({ length: partitions }, (_, partition) => {
      const [node = ''] = nodesOf(partition, partitions, 1)
      return CODECS.map((codec) => {
        const events = Array.from({ length: EVENTS_PER_RECORD }, (): UsageEvent => stream.fresh(node))
        return { codec, key: node, value: usageRecord(partition, events).value as Buffer, partition, events }
      })
    }).flat()
    const { installation } = fleet
    let places: Awaited<ReturnType<typeof produceForeign>> = []
    try {
      places = await produceForeign(installation, installation.topics.usageMetered, batches)
    } finally {
      const outcome = places.length === batches.length ? 'accepted' : 'unknown'
      for (const { events } of batches) for (const event of events) history.attempt(event, outcome)
    }
    for (const [index, { partition }] of batches.entries()) {
      if (places[index]?.partition === partition) continue
      throw new Error(`The Java client took partition ${places[index]?.partition} for one of ${partition}.`)
    }
    await untilCounted(
      fleet,
      batches.flatMap(({ events }) => events),
      COUNTED_MS,
    )
    return NOTHING_MET
  },
}
