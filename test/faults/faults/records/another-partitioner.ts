import type { UsageEvent } from '../../../../schemas/usage.ts'
import { nodesOf, openUsageProducer, usageRecord } from '../../../support/records/produce.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import type { Fleet } from '../../harness/fleet.ts'

const COUNTED_MS = 60_000
const NODES = 2
const RECORDS = 20

/**
 * A producer sends every node to every partition: each event is sent on to its own and counts there, and none becomes a
 * dead letter.
 */
export const anotherPartitioner: Fault = {
  name: 'another-partitioner',
  lanes: ['world'],
  strike: async ({ fleet, history, stream, dice }) => {
    const { partitions } = fleet.installation
    const before = await letters(fleet)
    const sent: UsageEvent[] = []
    const producer = openUsageProducer(fleet.installation)
    try {
      for (let record = 0; record < RECORDS; record += 1) {
        const partition = dice.between(0, partitions - 1)
        const events = Array.from({ length: partitions }, (_, owner) => nodesOf(owner, partitions, NODES))
          .flat()
          .map((node) => stream.fresh(node))
        let isAcknowledged = false
        try {
          await producer.append([usageRecord(partition, events)])
          isAcknowledged = true
        } finally {
          for (const event of events) history.attempt(event, isAcknowledged ? 'accepted' : 'unknown')
        }
        sent.push(...events)
      }
    } finally {
      await producer.stop()
    }
    await untilCounted(fleet, sent, COUNTED_MS)
    const after = await letters(fleet)
    if (after !== before) throw new Error(`${after - before} letters say "wrong_partition".`)
    return NOTHING_MET
  },
}

async function letters({ installation }: Fleet): Promise<number> {
  const [row] = await installation.clickhouse.rows<{ count: string }>(
    "SELECT count() AS count FROM dead_letters WHERE has(reasons, 'wrong_partition')",
  )
  return Number(row?.count)
}
