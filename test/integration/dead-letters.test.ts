import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import type { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { FORWARDED_HEADER } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { CODECS, foreignProducerMissing, produceForeign } from '../support/processes/foreign-producer.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { testRulesRecord } from '../support/records/rules.ts'
import {
  UsageMaker,
  nodesOf,
  openUsageProducer,
  sendEvents,
  usageRecord,
} from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { Truth } from '../support/oracles/truth.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const DAY_MS = 86_400_000

interface DeadLetterRow {
  readonly offset: string
  readonly key: string | null
  readonly value: string | null
  readonly names: string[]
  readonly values: string[]
  readonly reasons: string[]
  readonly indexes: number[]
}

describe('a record that cannot be counted', () => {
  let installation: Installation
  let producer: IdempotentProducer
  let aggregator: ServiceProcess
  const truth = new Truth()
  const maker = new UsageMaker(11, systemRandom.bytes(8))
  const [node, other] = nodesOf(0, PARTITIONS, 2) as [string, string]
  const [stranger] = nodesOf(1, PARTITIONS, 1) as [string]
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'dead', partitions: PARTITIONS })
    cleanup.defer(() => installation.dispose())
    const started = await startServices(installation, 'aggregator', 'settler', 'loader')
    aggregator = started.aggregator
    for (const service of [started.loader, started.settler, aggregator]) cleanup.defer(() => service.stop())
    producer = openUsageProducer(installation)
    cleanup.defer(() => producer.stop())
  })
  after(() => cleanup.disposeAsync())

  /** Rows of dead_letters of one partition by the offset of their source record, once there are `count`. */
  async function deadLetters(partition: number, count: number): Promise<Map<number, DeadLetterRow>> {
    const ask = () =>
      installation.clickhouse.rows<DeadLetterRow>(
        `SELECT record_offset AS offset, base64Encode(key) AS key, base64Encode(value) AS value,
                header_names AS names, arrayMap(v -> base64Encode(v), header_values) AS values, reasons, indexes
           FROM dead_letters
           WHERE topic = '${installation.topics.usageMetered}' AND partition = ${partition} ORDER BY record_offset`,
      )
    await until(`${count} dead letters`, 15_000, async () => (await ask()).length >= count)
    const rows = await ask()
    assert.equal(rows.length, count)
    return new Map(rows.map((row) => [Number(row.offset), row]))
  }

  const framed = (schemaId: number, body: Buffer): Buffer => {
    const frame = Buffer.from([0, 0, 0, 0, 0])
    frame.writeUInt32BE(schemaId, 1)
    return Buffer.concat([frame, body])
  }

  it('is set aside whole, byte for byte and with its reasons, and the partition goes on', async () => {
    const nowMs = systemClock.nowMs()
    const good = maker.event(node)
    const conflicting: UsageEvent = { ...good, tokens_in: good.tokens_in + 1 }
    const tooOld = maker.event(node, { occurred_at: nowMs - 36 * DAY_MS })
    const inFuture = maker.event(node, { occurred_at: nowMs + 20 * 60_000 })
    const besides = maker.event(other)
    const encoded = usageEventsCodec.encode({ events: [maker.event(node), maker.event(node)] })
    const claimsBillions = framed(1, Buffer.from([0x80, 0xa8, 0xd6, 0xb9, 0x07, 1, 2, 3]))
    const poison: readonly (readonly [reasons: string[], indexes: number[], value: Buffer | null])[] = [
      [['framing'], [-1], Buffer.from([0xff, ...systemRandom.bytes(60)])],
      [['framing'], [-1], Buffer.from('{"event_id":"plain JSON, no framing"}')],
      [['framing'], [-1], Buffer.from([0, 0, 0])],
      [['framing'], [-1], null],
      [['unknown_schema'], [-1], framed(999, systemRandom.bytes(20))],
      [['unknown_schema'], [-1], testRulesRecord({ version: 9, spark_per_usd: 1_000_000 })],
      [['malformed'], [-1], claimsBillions],
      [['malformed'], [-1], encoded.subarray(0, encoded.length - 7)],
      [['unknown_schema'], [-1], framed(3, systemRandom.bytes(3))],
      [['wrong_partition'], [0], usageEventsCodec.encode({ events: [maker.event(stranger)] })],
      [['too_old'], [0], usageEventsCodec.encode({ events: [tooOld] })],
      [['in_the_future'], [0], usageEventsCodec.encode({ events: [inFuture] })],
      [['conflict'], [1], usageEventsCodec.encode({ events: [good, conflicting] })],
      [
        ['too_old', 'in_the_future'],
        [0, 2],
        usageEventsCodec.encode({
          events: [{ ...tooOld, node_id: other }, besides, { ...inFuture, node_id: other }],
        }),
      ],
    ]
    const records: LogAppend[] = poison.map(([reasons, , value], index) => ({
      partition: 0,
      key: index % 2 === 0 ? null : `key ${index}`,
      value,
      headers: {
        binary: Buffer.from([0, 1, 0xff, index]),
        text: 'ü',
        toString: 'a name that objects have',
        __proto: '',
        // A record that was sent on once is not sent on again.
        ...(reasons[0] === 'wrong_partition' && { [FORWARDED_HEADER]: '1' }),
      },
    }))
    const after = maker.event(node)
    const acknowledged = await producer.append([...records, usageRecord(0, [after])])
    for (const event of [good, besides, after]) truth.add(event)
    await truth.matches(installation)

    const rows = await deadLetters(0, poison.length)
    const first = Number(acknowledged.get(0)?.baseOffset)
    for (const [index, { key, value, headers }] of records.entries()) {
      const row = rows.get(first + index)
      const [reasons, indexes] = poison[index] as (typeof poison)[number]
      assert.deepEqual([row?.reasons, row?.indexes], [reasons, indexes], `record ${index}`)
      assert.equal(row?.key ?? null, key === null ? null : Buffer.from(key).toString('base64'))
      assert.equal(row?.value ?? null, value?.toString('base64') ?? null)
      assert.deepEqual(row?.names, Object.keys(headers ?? {}))
      const bytes = Object.values(headers ?? {}).map((header) => Buffer.from(header).toString('base64'))
      assert.deepEqual(row?.values, bytes)
    }
    const counted = Map.groupBy(poison, ([[reason]]) => reason ?? '')
    for (const [reason, some] of counted) {
      assert.equal(await aggregator.metric('hivemeter_dead_letters_total', { reason }), some.length, reason)
    }
  })

  const missing = foreignProducerMissing()
  it('is set aside with every header that a foreign producer gave it; its codecs are all read', {
    skip: missing ?? false,
  }, async () => {
    const events = CODECS.map(() => maker.event(stranger))
    const good = CODECS.map((codec, index) => ({
      codec,
      key: stranger,
      value: usageRecord(1, [events[index] as UsageEvent]).value as Buffer,
    }))
    const bad = CODECS.map((codec) => ({ codec, key: stranger, value: Buffer.from(`no usage, ${codec}`) }))
    const places = await produceForeign(installation, installation.topics.usageMetered, [...good, ...bad])
    // The Java client's own partitioner sends a node to the partition in which this test reads.
    assert.deepEqual(
      new Set(places.map(({ partition }) => partition)),
      new Set([partitionOfNode(stranger, PARTITIONS)]),
    )
    for (const event of events) truth.add(event)
    await truth.matches(installation)
    const rows = await deadLetters(1, bad.length)
    for (const [index, { value }] of bad.entries()) {
      const row = rows.get(places[good.length + index]?.offset ?? -1)
      assert.equal(row?.value, value.toString('base64'))
      assert.deepEqual(row?.names, ['twice', 'twice', 'empty'])
      assert.deepEqual(
        row?.values.map((text) => Buffer.from(text, 'base64').toString()),
        ['one', 'two', ''],
      )
    }
  })

  it('leaves everything else counted once, by another reckoning', async (t) => {
    await sendEvents(installation, producer, truth, [maker.event(node), maker.event(stranger)])
    await truth.matches(installation)
    await truth.isPaid(installation)
    t.diagnostic(await verified(installation))
  })
})
