import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeInto, UsageColumns } from '../../../pipelines/usage/decode.ts'
import { EventIdentities } from '../../../pipelines/usage/identities.ts'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import { TEXTS_AS_BEFORE_MS } from '../../../schemas/identity.ts'
import type { AggregatorTask, Layout, SettlerTask } from '../../../schemas/records.ts'
import { RULES } from '../../../schemas/since.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import { usageEvent } from '../../../test/support/records/usage-events.ts'
import { testRulesRecord } from '../../../test/support/records/rules.ts'
import { growthRefusal } from './grow.ts'
import { firstSettlerTask, nodeOfKey } from './move-accounts.ts'
import { entryOf, firstAggregatorTask } from './move-ids.ts'

const LAYOUT: Layout = { version: 1, partitions: 2, keys_partitions: 2, before: [], growing: null }
const growing = (partitions: number): Layout => ({
  ...LAYOUT,
  growing: { partitions, token: Buffer.alloc(16) },
})

const AGGREGATOR: AggregatorTask = {
  position: 10,
  next_seq: 5,
  watermark: 100,
  id_key_fingerprint: Buffer.alloc(8, 1),
  low: null,
  evicted_seq: 3,
  models_version: 1,
  models: [],
  loaded_seq: 4,
  oldest_unloaded_at: 7,
  ended: true,
  since: [{ rules: RULES, offset: 0 }],
  texts_until: null,
}
const SETTLER: SettlerTask = {
  position: 10,
  next_seq: 5,
  now: 100,
  watermark: 50,
  handed_offset: 7,
  handed_index: 3,
  rules: null,
  loaded_seq: 4,
  oldest_unloaded_at: 7,
  ended: true,
  since: [],
}

describe('a growth', () => {
  it('goes to more partitions, and to no others than the one that was begun', () => {
    assert.equal(growthRefusal(LAYOUT, 3), null)
    assert.equal(growthRefusal(growing(3), 3), null)
    assert.match(growthRefusal(LAYOUT, 2) ?? '', /takes a larger number/)
    assert.match(growthRefusal(growing(3), 4) ?? '', /being grown to 3 .*--grow 3 until it is done/)
  })

  it('moves accounts and outcomes with their node, and nothing of a partition', () => {
    assert.equal(nodeOfKey('node-1'), 'node-1')
    assert.equal(nodeOfKey('!cmd/node-1/0000'), 'node-1')
    assert.equal(nodeOfKey('!task'), null)
    assert.equal(nodeOfKey('!fence'), null)
  })

  it('lets no time fall and takes the newest rules', () => {
    const rules = (version: number) => testRulesRecord({ version })
    const task = firstSettlerTask([
      { ...SETTLER, now: 300, watermark: 20, rules: rules(2) },
      { ...SETTLER, now: 100, watermark: 90, rules: rules(3) },
      SETTLER,
    ])
    assert.deepEqual(task, {
      position: 0,
      next_seq: 1,
      now: 300,
      watermark: 90,
      handed_offset: 0,
      handed_index: 0,
      rules: rules(3),
      loaded_seq: 0,
      oldest_unloaded_at: null,
      ended: false,
      since: [],
    })
  })

  it('looks up what any partition had evicted, and begins its blocks and positions anew', () => {
    const models = [{ model_id: 'm', paid_api: true, tdp_watts: 0 }]
    const tasks = [
      { ...AGGREGATOR, watermark: 100 },
      { ...AGGREGATOR, watermark: 400, models_version: 2, models },
    ]
    const task = firstAggregatorTask(tasks, [null, 70])
    assert.deepEqual(task, {
      position: 0,
      next_seq: 1,
      watermark: 400,
      id_key_fingerprint: AGGREGATOR.id_key_fingerprint,
      low: 70,
      evicted_seq: 0,
      models_version: 2,
      models,
      loaded_seq: 0,
      oldest_unloaded_at: null,
      ended: false,
      since: [{ rules: RULES, offset: 0 }],
      texts_until: null,
    })
    assert.equal(firstAggregatorTask(tasks, [null, null]).low, null)
  })

  it('looks texts up as before so long as any partition would', () => {
    const until = (...tasks: Partial<AggregatorTask>[]): number | null =>
      firstAggregatorTask(
        tasks.map((task) => Object.assign({}, AGGREGATOR, task)),
        [],
      ).texts_until
    assert.equal(until({ texts_until: 70 }, { texts_until: null }, { texts_until: 90 }), 90)
    // A task that an older version ended: as if it continued by the rules of this version.
    const ofBefore = { since: [{ rules: 2, offset: 0 }], watermark: 400 }
    assert.equal(until({ texts_until: 70 }, ofBefore), 400 + WATERMARK_DELAY_MS + TEXTS_AS_BEFORE_MS)
  })

  it('knows a row by the entry that memory has of its event, texts apart from ids', () => {
    const key = Buffer.alloc(32, 7)
    const row = {
      node_id: 'node-1',
      event_id: '01010101-0101-0101-0101-010101010101',
      occurred_ms: '5',
      content: '0',
    }
    const keys = new Map<string, Int32Array>()
    const [id, text] = (['id', 'text'] as const).map((id_kind) => entryOf({ ...row, id_kind }, key, keys))
    assert.notDeepEqual(id, text)
    const columns = new UsageColumns()
    const identities = new EventIdentities(columns, key)
    for (const event of [usageEvent(), usageEvent({ event_text: 'order 17', event_source: 's' })]) {
      assert.equal(decodeInto(columns, usageEventsCodec.encode({ events: [event] })), null)
      const { kind, eventId, nodeId } = identities.keyOf(0)
      const entry = entryOf(
        { ...row, node_id: nodeId, event_id: formatUuid(eventId), id_kind: kind },
        key,
        keys,
      )
      assert.deepEqual(entry.subarray(0, 4), identities.entryOf(0).subarray(0, 4))
    }
  })
})
