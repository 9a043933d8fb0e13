import { formatUuid } from '../../../../schemas/ids.ts'
import type { UsageEvent } from '../../../../schemas/usage.ts'
import { nodesOf, openUsageProducer, usageRecord } from '../../../support/records/produce.ts'
import { until } from '../../../support/until.ts'
import { eventName } from '../../../support/oracles/usage-oracle.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import type { Fleet } from '../../harness/fleet.ts'

/** Three starts of the task, 5 s apart, and the time that the loader needs. */
const SET_ASIDE_MS = 90_000
const COUNTED_MS = 60_000

/**
 * The aggregator's rules fail at one event, as they would with a defect. The event becomes a dead letter, and the others
 * of its record count. Once the rules are repaired it counts too, put back as an operator would do it.
 */
export const undecidableEvent: Fault = {
  name: 'undecidable-event',
  lanes: ['world'],
  strike: async ({ fleet, history, stream, dice }) => {
    const { partitions } = fleet.installation
    const partition = dice.between(0, partitions - 1)
    const [node = ''] = nodesOf(partition, partitions, 1)
    const [before, broken, behind] = [stream.fresh(node), stream.fresh(node), stream.fresh(node)]
    const members = fleet.of('aggregator')
    for (const member of members) member.tell({ undecidable: [eventName(broken)] })
    const send = async (events: readonly UsageEvent[]): Promise<string> => {
      const producer = openUsageProducer(fleet.installation)
      let offset: bigint | undefined
      try {
        const acknowledged = await producer.append([usageRecord(partition, [...events])])
        offset = acknowledged.get(partition)?.baseOffset
      } finally {
        await producer.stop()
        for (const event of events) history.attempt(event, offset === undefined ? 'unknown' : 'accepted')
      }
      return String(offset)
    }
    try {
      const offset = await send([before, broken, behind])
      await setAside(fleet, partition, offset)
      await untilCounted(fleet, [before, behind], COUNTED_MS)
      await assertNotCounted(fleet, broken)
    } finally {
      for (const member of members) member.tell({ undecidable: [] })
    }
    await send([broken])
    await untilCounted(fleet, [broken], COUNTED_MS)
    return NOTHING_MET
  },
}

/** Waits for the dead letter of the record's second event; throws where it says anything else. */
async function setAside(fleet: Fleet, partition: number, offset: string): Promise<void> {
  const { clickhouse, topics } = fleet.installation
  const place = { topic: topics.usageMetered, partition, offset }
  const ask = (): Promise<{ reasons: string[]; indexes: number[] }[]> =>
    clickhouse.rows(
      `SELECT reasons, indexes FROM dead_letters
         WHERE topic = {topic:String} AND partition = {partition:UInt16} AND record_offset = {offset:UInt64}`,
      place,
    )
  const found = await until(
    `the letter of offset ${offset} of partition ${partition}`,
    SET_ASIDE_MS,
    async () => (await ask())[0],
    async () => ['there is none', ...(await fleet.halts())].join('\n'),
  )
  const letter = JSON.stringify(found)
  const expected = JSON.stringify({ reasons: ['cannot_be_decided'], indexes: [1] })
  if (letter !== expected) throw new Error(`The letter is ${letter} and should be ${expected}.`)
}

async function assertNotCounted({ installation }: Fleet, event: UsageEvent): Promise<void> {
  const rows = await installation.clickhouse.rows(
    'SELECT 1 FROM usage_events WHERE node_id = {node:String} AND event_id = {id:UUID}',
    { node: event.node_id, id: formatUuid(event.event_id) },
  )
  if (rows.length > 0) throw new Error(`${eventName(event)} was set aside and counted.`)
}
