import assert from 'node:assert/strict'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Value } from 'typebox/value'
import type { Clock } from '../../pipelines/clock.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { AcceptedSchema } from '../../schemas/http/gateway.ts'
import { ProblemSchema } from '../../schemas/http/problem.ts'
import type { Access } from '../access/access.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { opsRoutes } from '../http/ops.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { createGatewayApp } from './app.ts'
import { ManualClock, MemoryLog, settled } from './fixtures.ts'
import { fleetQueue } from './fleet/fleet-queue.ts'
import { usageQueue } from './usage/usage-queue.ts'

/** The time that the clock of the gateway's tests shows. */
export const NOW = Date.UTC(2026, 10, 21, 12)
export const UUID = '01234567-89ab-cdef-0123-456789abcdef'
export const EVENT = {
  event_id: UUID,
  node_id: 'node-1',
  model_id: 'llama',
  task_source: 'hive',
  occurred_at: NOW,
}

/** The whole app over a log in memory that takes events. */
export async function setUp(
  options: {
    readonly access?: Access
    readonly audit?: AuditSink
    readonly corsOrigins?: readonly string[]
    /** Timeouts of requests, for tests over real connections. */
    readonly requestClock?: Clock
  } = {},
) {
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const metrics = createMetrics('gateway')
  const queue = usageQueue({ producer: log, partitions: 4, clock, logger: silentLogger, metrics })
  const fleetLog = new MemoryLog(clock)
  const fleet = fleetQueue({ producer: fleetLog, partitions: 4, clock, logger: silentLogger, metrics })
  const ops = opsRoutes({ readiness: () => ({ waitingFor: [], halted: [] }), metrics })
  const inboxLog = new MemoryLog(clock)
  const app = await createGatewayApp({
    queue,
    fleet,
    inbox: new SharedAppend(inboxLog, clock),
    partitions: 4,
    topic: 'usage.metered',
    access: options.access ?? { mode: 'off' },
    ...(options.audit && { audit: options.audit }),
    corsOrigins: options.corsOrigins ?? [],
    logger: silentLogger,
    metrics,
    clock: options.requestClock ?? clock,
    ops,
  })
  queue.start()
  fleet.start()
  await settled()
  await settled()
  return { app, clock, log, inboxLog, fleetLog, queue, metrics }
}

export type Headers = Record<string, string>

/** Sends a body; the answer must fit the documented schema. */
export async function post(app: FastifyInstance, payload: string | Buffer, headers: Headers = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/events',
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
  const body = answer.json<Answer>()
  if (answer.statusCode === 202) {
    assert.match(String(answer.headers['content-type']), /^application\/json/)
    assert.ok(Value.Check(AcceptedSchema, body))
  } else isProblem(answer, body)
  return { status: answer.statusCode, headers: answer.headers, ...body }
}

export interface Answer {
  readonly code: string
  readonly detail: string
  readonly accepted: number
  readonly rounded: number
  readonly rejected: readonly { index: number; event_id: string | null; code: string; path: string }[]
  readonly unknown: readonly number[]
  readonly not_taken: readonly number[]
}

/** Fails unless the answer is a problem of RFC 9457, with Retry-After exactly on 503. */
export function isProblem(answer: LightMyRequestResponse, body: unknown): void {
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  assert.ok(Value.Check(ProblemSchema, body), answer.body)
  assert.equal(answer.headers['retry-after'], answer.statusCode === 503 ? '1' : undefined)
}
