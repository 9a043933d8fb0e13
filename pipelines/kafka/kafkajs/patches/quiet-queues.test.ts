import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { mock, test } from 'node:test'
import '../client.ts'

const require = createRequire(import.meta.url)

interface RequestQueue {
  throttledUntil: number
  push: (request: object) => void
  fulfillRequest: (answer: object) => void
}

function queueOf(maxInFlightRequests: number | null): RequestQueue {
  const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as new (
    options: object,
  ) => RequestQueue
  const logger = { namespace: () => logger, debug: () => {}, warn: () => {} }
  return new RequestQueue({ logger, maxInFlightRequests, requestTimeout: 1_000, isConnected: () => true })
}

function request(correlationId: number, sent: number[]): object {
  return {
    entry: { correlationId, resolve: () => {}, reject: () => {} },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  }
}

test('a queue in which no request waits sets no timer', () => {
  const timers = mock.method(globalThis, 'setTimeout')
  try {
    const queue = queueOf(null)
    queue.push(request(1, []))
    queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
    assert.equal(timers.mock.callCount(), 0)
  } finally {
    timers.mock.restore()
  }
})

test('a request that waits for another is sent when that one is answered', () => {
  const sent: number[] = []
  const queue = queueOf(1)
  for (const id of [1, 2]) queue.push(request(id, sent))
  assert.deepEqual(sent, [1])
  queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
  assert.deepEqual(sent, [1, 2])
})

test('a request that waits for the end of a throttling is sent then', async () => {
  const sent: number[] = []
  const queue = queueOf(null)
  queue.throttledUntil = Date.now() + 20
  await new Promise<void>((resolve) => {
    queue.push({ ...request(1, sent), sendRequest: () => resolve() })
  })
  assert.ok(Date.now() >= queue.throttledUntil)
})
