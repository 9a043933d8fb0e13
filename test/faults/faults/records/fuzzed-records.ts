import { systemClock } from '../../../../pipelines/clock.ts'
import { partitionOfNode } from '../../../../schemas/ids.ts'
import type { UsageEvent } from '../../../../schemas/usage.ts'
import { eventsIn, fuzzedValue } from '../../../support/records/fuzzed-usage.ts'
import { nodesOf, openUsageProducer, usageRecord } from '../../../support/records/produce.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import { sendFuzzedKeys, sendFuzzedRequests } from '../../usage/fuzzed-requests.ts'
import type { Fault } from '../../harness/fault.ts'

const RECORDS = 2_500
const RECORDS_PER_APPEND = 50
const COUNTED_MS = 60_000

/** A node of the partition that no client reads: its values may be as large as numbers get. */
function fuzzedNode(partition: number, partitions: number, number: number): string {
  for (let tried = number * 1_000; ; tried++) {
    const node = `fuzz-${tried}`
    if (partitionOfNode(node, partitions) === partition) return node
  }
}

/**
 * Thousands of records as no client makes them, straight into the logs: a valid event may count, once, and everything
 * else is set aside; requests and keys likewise. After them an ordinary event counts in every partition, and an ordinary
 * command is decided; the checker and verify judge the rest.
 */
export const fuzzedRecords: Fault = {
  name: 'fuzzed-records',
  lanes: ['world'],
  strike: async ({ fleet, history, stream, dice }) => {
    const { partitions } = fleet.installation
    const producer = openUsageProducer(fleet.installation)
    const ordinary: UsageEvent[] = []
    try {
      for (let sent = 0; sent < RECORDS; sent += RECORDS_PER_APPEND) {
        const records = Array.from({ length: RECORDS_PER_APPEND }, () => {
          const partition = dice.between(0, partitions - 1)
          const node = fuzzedNode(partition, partitions, dice.between(0, 5))
          const fresh = (): UsageEvent =>
            stream.fresh(node, { operator_id: 'fuzz-operator', reservation_id: null })
          const value = fuzzedValue(dice, fresh, systemClock.nowMs())
          const key = dice.pick([node, null, '', 'another-node', '!tick', '!task'])
          return { partition, key, value }
        })
        for (const { value } of records)
          for (const event of eventsIn(value)) history.attempt(event, 'unknown')
        await producer.append(records)
      }
      for (let partition = 0; partition < partitions; partition++) {
        const [node = ''] = nodesOf(partition, partitions, 1)
        const event = stream.fresh(node)
        ordinary.push(event)
        history.attempt(event, 'unknown')
        await producer.append([usageRecord(partition, [event])])
        history.attempt(event, 'accepted')
      }
    } finally {
      await producer.stop()
    }
    await untilCounted(fleet, ordinary, COUNTED_MS)
    await sendFuzzedRequests({ fleet, history, dice })
    await sendFuzzedKeys({ fleet, history, dice })
    return NOTHING_MET
  },
}
