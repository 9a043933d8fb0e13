import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptCloudEvent } from './accept-cloudevent.ts'
import { acceptUsageEvent } from './accept.ts'
import { Refusal } from '../../json/refusal.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const DATA = { model_id: 'llama', task_source: 'idle', tokens_in: 7, actual_usd_cost: '0.29' }
const EVENT = {
  specversion: '1.0',
  type: 'hivemeter.usage.v1',
  source: '/coordinators/7',
  subject: 'node-1',
  id: 'call-17',
  time: '2026-11-21T12:00:00Z',
  data: DATA,
}

function refused(item: unknown): string {
  const result = acceptCloudEvent(item, NOW)
  assert.ok(result instanceof Refusal, `${JSON.stringify(item)} was accepted`)
  return `${result.code} ${result.path}`
}

test('a CloudEvent is the plain event with four fields in its envelope', () => {
  const plain = {
    ...DATA,
    event_id: 'call-17',
    source: EVENT.source,
    node_id: 'node-1',
    occurred_at: EVENT.time,
  }
  assert.deepEqual(acceptCloudEvent(EVENT, NOW), acceptUsageEvent(plain, NOW))
})

test('the source is kept with a plain text, and with no UUID or ULID, where it may be as long as it likes', () => {
  const sourceOf = (more: object): string | null => {
    const result = acceptCloudEvent({ ...EVENT, ...more }, NOW)
    assert.ok(!(result instanceof Refusal), JSON.stringify(result))
    return result.event_source
  }
  assert.equal(sourceOf({}), '/coordinators/7')
  assert.equal(sourceOf({ source: '😀'.repeat(256) }), '😀'.repeat(256))
  for (const id of ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '00000000-0000-4000-8000-00000000000A']) {
    assert.equal(sourceOf({ id, source: `/${'x'.repeat(1_000)}` }), null)
  }
})

test('what an envelope may have besides', () => {
  for (const more of [
    { datacontenttype: 'application/json' },
    { datacontenttype: 'application/json; charset=utf-8' },
    { datacontenttype: 'application/vnd.hivemeter+json' },
    { datacontenttype: null, dataschema: 'https://example.org/usage' },
    { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', partitionkey: 'node-1' },
    { sampledrate: 1, flag: true, nothing: null },
  ]) {
    const result = acceptCloudEvent({ ...EVENT, ...more }, NOW)
    assert.ok(!(result instanceof Refusal), JSON.stringify(result))
  }
})

test('refusals name the place in the CloudEvent', () => {
  for (const [more, expected] of [
    [{ specversion: '0.3' }, 'unsupported_event /specversion'],
    [{ specversion: undefined }, 'unsupported_event /specversion'],
    [{ type: 'hivemeter.usage.v2' }, 'unsupported_event /type'],
    [{ source: '' }, 'missing /source'],
    [{ source: undefined }, 'missing /source'],
    [{ source: 'a\ud800' }, 'invalid_text /source'],
    [{ source: 'x'.repeat(257) }, 'invalid_text /source'],
    [{ source: 'a\n' }, 'invalid_text /source'],
    [{ id: undefined }, 'missing /id'],
    [{ id: 'a\ud800' }, 'invalid_text /id'],
    [{ id: 5 }, 'wrong_type /id'],
    [{ subject: undefined }, 'missing /subject'],
    [{ subject: 'a b' }, 'invalid_id /subject'],
    [{ time: undefined }, 'missing /time'],
    [{ time: '2026-11-21T12:00:60Z' }, 'invalid_time /time'],
    [{ time: '2025-11-21T12:00:00Z' }, 'too_old /time'],
    [{ datacontenttype: 'text/xml' }, 'unsupported_event /datacontenttype'],
    [{ datacontenttype: 5 }, 'unsupported_event /datacontenttype'],
    [{ data: undefined }, 'missing /data/model_id'],
    [{ data: 'x' }, 'not_an_object /data'],
    [{ data: [DATA] }, 'not_an_object /data'],
    [{ data_base64: 'e30=' }, 'unsupported_event /data_base64'],
    [{ data: { ...DATA, event_id: 'x' } }, 'unknown_field /data/event_id'],
    [{ data: { ...DATA, node_id: 'x' } }, 'unknown_field /data/node_id'],
    [{ data: { ...DATA, source: 'x' } }, 'unknown_field /data/source'],
    [{ data: { ...DATA, occurred_at: NOW } }, 'unknown_field /data/occurred_at'],
    [{ data: { ...DATA, actual_usd_costs: 1 } }, 'unknown_field /data/actual_usd_costs'],
    [{ data: { ...DATA, tokens_in: -1 } }, 'out_of_range /data/tokens_in'],
    [{ data: JSON.parse('{"__proto__":{"model_id":"x"}}') as unknown }, 'unknown_field /data/__proto__'],
    // A cost beside "data" is no extension: names of extensions have no "_".
    [{ actual_usd_cost: 1 }, 'unknown_field /actual_usd_cost'],
    [{ Traceparent: 'x' }, 'unknown_field /Traceparent'],
    [{ extension: {} }, 'wrong_type /extension'],
    [{ extension: '\udc00' }, 'invalid_text /extension'],
  ] as const) {
    assert.equal(refused({ ...EVENT, ...more }), expected)
  }
  for (const item of [null, 5, 'x', [EVENT]]) assert.equal(refused(item), 'not_an_object ')
})
