import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { attributesOfHeaders } from './cloudevent-headers.ts'

test('every ce- header is an attribute, %-decoded once', () => {
  const headers = [
    'Host',
    'x',
    'CE-Id',
    'a%20b',
    'ce-source',
    '"/c/%22\\"7"',
    'ce-note',
    '100%2525',
    'cex',
    'y',
  ]
  assert.deepEqual(attributesOfHeaders(headers), { id: 'a b', source: '/c/""7', note: '100%25' })
  const named = attributesOfHeaders(['ce-__proto__', 'x'])
  assert.deepEqual(Object.keys(named), ['__proto__'])
})

test('a header that stands twice, is not ASCII or not UTF-8, or belongs elsewhere', () => {
  for (const [headers, code] of [
    [['ce-id', 'a', 'CE-ID', 'b'], 'duplicate_field'],
    [['ce-id', 'a', 'ce-id', 'a'], 'duplicate_field'],
    [['ce-id', 'é'], 'invalid_text'],
    [['ce-id', '%ff'], 'invalid_text'],
    [['ce-id', '%ed%a0%80'], 'invalid_text'],
    [['ce-id', '5%'], 'invalid_text'],
    [['ce-id', 'a\tb'], 'invalid_text'],
    [['ce-data', '{}'], 'unknown_field'],
    [['ce-datacontenttype', 'application/json'], 'unknown_field'],
  ] as const) {
    const result = attributesOfHeaders(headers)
    assert.ok(result instanceof Refusal, headers.join(' '))
    assert.equal(result.code, code)
  }
})
