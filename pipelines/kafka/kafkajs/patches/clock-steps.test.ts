import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { mock, test } from 'node:test'
import '../client.ts'

const require = createRequire(import.meta.url)
const HOUR_MS = 3_600_000

/** An object of a class of kafkajs with nothing in it. */
function bare(file: string): Record<string, number | null> {
  const { prototype } = require(`kafkajs/src/${file}`) as { prototype: object }
  return Object.create(prototype) as Record<string, number | null>
}

/** What `Date.now() - object[field]` becomes when the machine's clock is set by `stepMs`. */
function ageAfterStep(object: Record<string, number | null>, field: string, stepMs: number): number {
  const realNow = Date.now
  const stepped = mock.method(Date, 'now', () => realNow() + stepMs)
  try {
    return Date.now() - (object[field] ?? Number.NaN)
  } finally {
    stepped.mock.restore()
  }
}

for (const [file, field] of [
  ['consumer/consumerGroup.js', 'lastRequest'],
  ['network/requestQueue/index.js', 'throttledUntil'],
  ['network/requestQueue/socketRequest.js', 'sentAt'],
  ['cluster/brokerPool.js', 'metadataExpireAt'],
] as const) {
  test(`${field} keeps its distance from now when the clock is set`, () => {
    for (const distanceMs of [0, 5_000, -5_000]) {
      const object = bare(file)
      object[field] = Date.now() - distanceMs
      for (const stepMs of [2 * HOUR_MS, -2 * HOUR_MS]) {
        const ageMs = ageAfterStep(object, field, stepMs)
        // Set and read within a second.
        assert.ok(ageMs >= distanceMs - 1 && ageMs < distanceMs + 1_000, `${ageMs}`)
      }
    }
  })
}

test('what was not set is null, and objects do not share a time', () => {
  const [one, other] = [bare('cluster/brokerPool.js'), bare('cluster/brokerPool.js')]
  one['metadataExpireAt'] = Date.now()
  assert.equal(other['metadataExpireAt'], null)
  one['metadataExpireAt'] = null
  assert.equal(one['metadataExpireAt'], null)
})

test('kafkajs has these fields where it had them', () => {
  const { version } = require('kafkajs/package.json') as { version: string }
  assert.equal(version, '2.2.4')
  const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as new (
    options: object,
  ) => Record<string, number>
  const queue = new RequestQueue({
    logger: { namespace: () => ({}) },
    instrumentationEmitter: { emit: () => {} },
  })
  assert.ok((queue['throttledUntil'] ?? Number.NaN) <= 0)
  assert.ok(!Object.hasOwn(queue, 'throttledUntil'))
})
