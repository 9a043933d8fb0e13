import { createKafka } from '../../../../pipelines/kafka/kafkajs/client.ts'
import { formatUuid } from '../../../../schemas/ids.ts'
import type { UsageEvent } from '../../../../schemas/usage.ts'
import { nodesOf, usageRecord } from '../../../support/records/produce.ts'
import { untilCounted } from '../../usage/arrival.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault, FaultContext } from '../../harness/fault.ts'

const COUNTED_MS = 60_000
const RECORDS = 20

/** A key that looks like that of an abort marker to a reader that does not check whether the record is one. */
const ZERO_KEY = Buffer.alloc(4)

/**
 * A foreign transaction on usage.metered, which is unsupported, with records that have the keys of abort markers; it
 * aborts. None of its events may count, and the partition goes on with the records after it.
 */
export const zeroKeysAborted: Fault = {
  name: 'zero-keys-in-an-aborted-transaction',
  lanes: ['world'],
  strike: async (context) => {
    const { fleet, history, stream, dice } = context
    const { partitions } = fleet.installation
    const partition = dice.between(0, partitions - 1)
    const [node = ''] = nodesOf(partition, partitions, 1)
    const events = (count: number): UsageEvent[] => Array.from({ length: count }, () => stream.fresh(node))
    const aborted = events(RECORDS)
    for (const event of aborted) history.attempt(event, 'refused')
    const after = events(RECORDS)
    let outcome: 'accepted' | 'unknown' = 'unknown'
    try {
      await inTransactions(context, partition, { aborted, after })
      outcome = 'accepted'
    } finally {
      for (const event of after) history.attempt(event, outcome)
    }
    await untilCounted(fleet, after, COUNTED_MS)
    const ids = aborted.map(({ event_id }) => formatUuid(event_id))
    const [leaked] = await fleet.installation.clickhouse.rows<{ rows: string }>(
      'SELECT count() AS rows FROM usage_events WHERE event_id IN {ids:Array(UUID)}',
      { ids },
    )
    if (leaked?.rows !== '0') {
      throw new Error(`${leaked?.rows} events of a transaction that was aborted are counted.`)
    }
    return NOTHING_MET
  },
}

/** One transaction that aborts, then one that commits. */
async function inTransactions(
  { fleet, dice }: FaultContext,
  partition: number,
  { aborted, after }: Readonly<Record<'aborted' | 'after', readonly UsageEvent[]>>,
): Promise<void> {
  const { installation } = fleet
  const producer = createKafka(installation.kafka).producer({
    transactionalId: `${installation.prefix}foreign-${dice.between(1, 2 ** 31)}`,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  })
  const messages = (events: readonly UsageEvent[], key: Buffer | null) =>
    events.map((event) => ({ ...usageRecord(partition, [event]), key }))
  const topic = installation.topics.usageMetered
  await producer.connect()
  try {
    const first = await producer.transaction()
    await first.send({ topic, messages: messages(aborted, ZERO_KEY) })
    await first.abort()
    const second = await producer.transaction()
    await second.send({ topic, messages: messages(after, null) })
    await second.commit()
  } finally {
    await producer.disconnect()
  }
}
