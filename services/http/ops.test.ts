import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { ManualClock } from '../gateway/fixtures.ts'
import { METRICS_AGE_MS_MAX, opsRoutes } from './ops.ts'
import type { Readiness } from './ops.ts'

const HALTED: Readiness = {
  waitingFor: [],
  halted: [{ topic: 'usage.metered', partition: 3, reason: 'a_reason', remedy: 'Do this.' }],
}
const WAITING: Readiness = { waitingFor: ['Kafka'], halted: [] }
const READY: Readiness = { waitingFor: [], halted: [] }

async function serve() {
  const app = Fastify()
  const state = { readiness: WAITING, isLeaving: false }
  await app.register(
    opsRoutes({
      readiness: () => state.readiness,
      isLeaving: () => state.isLeaving,
      metrics: { contentType: 'text/plain', text: async () => '' },
    }),
  )
  const status = async (path: string): Promise<number> => (await app.inject(path)).statusCode
  return { app, state, status }
}

const PATHS = ['/readyz', '/readyz?exclude=halted', '/readyz?exclude=outages'] as const

test('a halted partition is told from a process that is not ready yet, and ends nothing', async () => {
  const { app, state, status } = await serve()
  assert.deepEqual(await Promise.all(PATHS.map(status)), [503, 503, 503])
  state.readiness = HALTED
  assert.deepEqual(await Promise.all(PATHS.map(status)), [503, 200, 503])
  assert.deepEqual((await app.inject('/readyz?exclude=halted')).json(), {
    status: 'ready',
    waiting_for: [],
    halted: HALTED.halted,
  })
  assert.equal(await status('/healthz'), 200)
})

test('an outage after it was ready does not make it unready for who excludes outages, the wait at its start does', async () => {
  const { state, status } = await serve()
  assert.equal(await status('/readyz?exclude=outages'), 503)
  state.readiness = READY
  assert.equal(await status('/readyz?exclude=outages'), 200)
  state.readiness = WAITING
  assert.deepEqual(await Promise.all(PATHS.map(status)), [503, 503, 200])
})

test('one that was asked to end is never ready, and other words are refused', async () => {
  const { state, status } = await serve()
  state.readiness = READY
  state.isLeaving = true
  assert.deepEqual(await Promise.all(PATHS.map(status)), [503, 503, 503])
  assert.equal(await status('/readyz?exclude=kafka'), 400)
  assert.equal(await status('/healthz'), 200)
})

test('METRICS_AGE_MS_MAX: where strangers can ask, metrics are written once for all who ask within it', async () => {
  const clock = new ManualClock(0)
  let written = 0
  const app = Fastify()
  const text = async (): Promise<string> => `written ${++written}`
  const metrics = { contentType: 'text/plain', text }
  await app.register(opsRoutes({ readiness: () => READY, metrics, clock }))
  const body = async (): Promise<string> => (await app.inject('/metrics')).body
  assert.deepEqual(await Promise.all([body(), body(), body()]), Array(3).fill('written 1'))
  await clock.pass(METRICS_AGE_MS_MAX - 1)
  assert.equal(await body(), 'written 1')
  await clock.pass(1)
  assert.equal(await body(), 'written 2')
})
