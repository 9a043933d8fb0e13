import { systemRandom } from '../../../../pipelines/random.ts'
import { SCHEMA_ID, framed, modelsCodec, usageEventsCodec } from '../../../../schemas/avro.ts'
import { nodesOf, openUsageProducer } from '../../../support/records/produce.ts'
import { testRulesRecord } from '../../../support/records/rules.ts'
import { until } from '../../../support/until.ts'
import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import type { Fleet } from '../../harness/fleet.ts'

const SET_ASIDE_MS = 60_000
const MEGABYTE = 1_000_000

/** Two gigawatts for each call of a paid API. */
const PAID_AS_LOCAL = { model_id: 'gpt-4.1', paid_api: false, tdp_watts: 2_000_000_000 }

interface Letter {
  readonly offset: string
  readonly value: string | null
  readonly reasons: readonly string[]
}

/** Records that nothing can read, appended past the gateway: each must become one dead letter, byte for byte. */
export const poisonRecords: Fault = {
  name: 'poison-records',
  lanes: ['world'],
  strike: async ({ fleet, stream, dice }) => {
    const { partitions } = fleet.installation
    const partition = dice.between(0, partitions - 1)
    const [node = ''] = nodesOf(partition, partitions, 1)
    const encoded = usageEventsCodec.encode({ events: [stream.fresh(node), stream.fresh(node)] })
    const poison: readonly (readonly [reason: string, value: Buffer | null])[] = [
      ['framing', Buffer.from([0xff, ...systemRandom.bytes(60)])],
      ['framing', Buffer.from('{"event_id":"no framing at all"}')],
      ['framing', Buffer.from([0, 0, 0])],
      ['framing', null],
      ['framing', Buffer.concat([Buffer.from([0xff]), systemRandom.bytes(MEGABYTE)])],
      ['unknown_schema', framed(999, [systemRandom.bytes(20)])],
      ['unknown_schema', testRulesRecord({ version: 9, spark_per_usd: 1_000_000 })],
      // It claims a thousand million events, and holds three bytes.
      ['malformed', framed(SCHEMA_ID.usageEvents, [Buffer.from([0x80, 0xa8, 0xd6, 0xb9, 0x07, 1, 2, 3])])],
      ['unknown_schema', modelsCodec.encode({ version: 2 ** 31 - 1, models: [PAID_AS_LOCAL] })],
      ['malformed', encoded.subarray(0, encoded.length - 7)],
    ]
    const first = await append(fleet, partition, poison)
    const expected = poison.map(
      ([reason, value], index): Letter => ({
        offset: String(first + index),
        value: value?.toString('base64') ?? null,
        reasons: [reason],
      }),
    )
    await setAside(fleet, partition, expected)
    return NOTHING_MET
  },
}

/** Appends the values; returns the offset of the first. */
async function append(
  fleet: Fleet,
  partition: number,
  poison: readonly (readonly [reason: string, value: Buffer | null])[],
): Promise<number> {
  const producer = openUsageProducer(fleet.installation)
  try {
    const acknowledged = await producer.append(
      poison.map(([, value], index) => ({ partition, key: index % 2 === 0 ? null : 'key', value })),
    )
    return Number(acknowledged.get(partition)?.baseOffset)
  } finally {
    await producer.stop()
  }
}

/** Waits for the dead letters of these offsets; throws where they are not exactly what is expected. */
async function setAside(fleet: Fleet, partition: number, expected: readonly Letter[]): Promise<void> {
  const { clickhouse, topics } = fleet.installation
  const ask = (): Promise<Letter[]> =>
    clickhouse.rows<Letter>(
      `SELECT record_offset AS offset, base64Encode(value) AS value, reasons FROM dead_letters
         WHERE topic = {topic:String} AND partition = {partition:UInt16}
           AND record_offset BETWEEN {from:UInt64} AND {to:UInt64}
         ORDER BY record_offset`,
      {
        topic: topics.usageMetered,
        partition,
        from: expected[0]?.offset ?? '',
        to: expected.at(-1)?.offset ?? '',
      },
    )
  let found: Letter[] = []
  await until(
    `${expected.length} dead letters from offset ${expected[0]?.offset} of partition ${partition} on`,
    SET_ASIDE_MS,
    async () => (found = await ask()).length >= expected.length,
    async () => [`${found.length} are there`, ...(await fleet.halts())].join('\n'),
  )
  for (const [index, letter] of expected.entries()) {
    if (JSON.stringify(found[index]) === JSON.stringify(letter)) continue
    const [is, should] = [found[index], letter].map((one) => JSON.stringify(one).slice(0, 300))
    throw new Error(`A dead letter is ${is} and should be ${should}.`)
  }
  if (found.length > expected.length)
    throw new Error(`There are ${found.length} dead letters of ${expected.length}.`)
}
