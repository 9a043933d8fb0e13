import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { idsOfBlocks } from '../../pipelines/clickhouse/queries/block-ids.ts'
import { decisionsOf } from '../../pipelines/clickhouse/queries/costs.ts'
import { idLookup } from '../../pipelines/clickhouse/queries/id-lookup.ts'
import { lookupName } from '../../pipelines/dedupe/lookup.ts'
import { bitsBefore, identityOf } from '../../schemas/identity.ts'
import { formatUuid } from '../../schemas/ids.ts'
import { countedEvents, eventNameOf } from '../../services/replay/counted.ts'
import { dateTime, openHistory } from '../support/records/history.ts'
import type { HistoryDatabase, HistoryRow } from '../support/records/history.ts'
import { usageEvent } from '../support/records/usage-events.ts'

/** Ids and texts with the same 128 bits, in ClickHouse: each is found as what it is, and as nothing else. */

const PORT = 26_404
const AT = Date.UTC(2026, 10, 1, 12)
const BITS = Buffer.alloc(16, 5)
const TOPIC = 'usage.blocks'
const SOURCE = { src_topic: TOPIC, src_partition: 0, src_seq: 1 }

const row = (node_id: string, bits: Buffer, more: HistoryRow): HistoryRow => ({
  ...SOURCE,
  node_id,
  event_id: formatUuid(bits),
  occurred_at: dateTime(AT, 3),
  received_at: dateTime(AT, 3),
  ...more,
})

let history: HistoryDatabase
before(async () => {
  history = await openHistory(process.env, PORT)
  const insert = (table: string, rows: readonly HistoryRow[]) => history.insert(table, rows)
  await insert('watermarks', [{ ...SOURCE, watermark: dateTime(AT, 3) }])
  await insert('usage_events', [
    row('both', BITS, { id_kind: 'id', content_hash: 1 }),
    row('both', BITS, { id_kind: 'text', content_hash: 2 }),
    row('text', BITS, { id_kind: 'text', content_hash: 3 }),
  ])
  // Older rows name no kind.
  await insert('usage_events', [
    row('before', BITS, { event_text: '', content_hash: 4 }),
    row('shop', bitsBefore('order 17'), { event_text: 'order 17', content_hash: 5 }),
    row('shop', bitsBefore('order 18'), { event_text: '', content_hash: 6 }),
  ])
  await insert('usage_events', [
    row('shop', identityOf(order('order 19', '/a')).bytes, { event_text: 'order 19', id_kind: 'text' }),
  ])
  const { received_at: _received, ...decision } = row('both', BITS, { id_kind: 'text', cost_seq: 1 })
  await insert('cost_decisions', [{ ...decision, decided_at: dateTime(AT, 3), decision: 'pending' }])
})
after(() => history[Symbol.asyncDispose]())

const order = (event_text: string, event_source: string | null = null) =>
  usageEvent({ node_id: 'shop', event_text, event_source })

test('a look-up finds what has the kind that it asks for', async () => {
  const keys = (['id', 'text'] as const).flatMap((kind) =>
    ['both', 'text', 'before'].map((nodeId) => ({ nodeId, occurredAtMs: AT, eventId: BITS, kind })),
  )
  const found = await idLookup(history.client, TOPIC)(0, 1, keys)
  const lows = keys.map(({ nodeId, kind }) => found?.get(lookupName(nodeId, BITS.toString('hex'), kind))?.low)
  assert.deepEqual(lows, [1, undefined, 4, 2, 3, undefined])
})

test('ids that move with a growth, and decisions on costs, name their kinds', async () => {
  const ids = await idsOfBlocks(history.client, { topic: TOPIC, partition: 0 }, 1, 1)
  const kinds = ids.map(({ node_id, id_kind }) => `${node_id} ${id_kind}`).toSorted()
  assert.deepEqual(kinds, [
    'before id',
    'both id',
    'both text',
    'shop id',
    'shop id',
    'shop text',
    'text text',
  ])
  const decisions = await decisionsOf(history.client, 'both', [formatUuid(BITS)])
  assert.deepEqual(
    decisions.map(({ id_kind }) => id_kind),
    ['text'],
  )
})

test('a replay knows what is counted, a text also as it was counted before, and an id of the same bits as another event', async () => {
  const names = [
    order('order 17'),
    order('order 17', '/a'),
    // The UUIDv8 of its hash came as an id, not as this text.
    order('order 18'),
    order('order 19', '/a'),
    order('order 19', '/b'),
    usageEvent({ node_id: 'shop', event_id: bitsBefore('order 18') }),
    usageEvent({ node_id: 'text', event_id: BITS }),
  ].map(eventNameOf)
  const counted = await countedEvents(history.client, names)
  assert.deepEqual(
    names.map((name) => counted.has(name)),
    [true, true, false, true, false, true, false],
  )
})
