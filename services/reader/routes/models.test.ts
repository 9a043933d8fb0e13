import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { systemClock } from '../../../pipelines/clock.ts'
import { MODELS_BYTES_MAX } from '../../../schemas/models.ts'
import { MemoryModels } from '../../../test/support/memory/memory-models.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../../test/support/memory/whole-reader.ts'
import { ModelsNotWritten } from '../../models/write-models.ts'

let reader: WholeReader
const models = new MemoryModels()
/** Time that passes only when the test moves it. */
let timeout = Promise.withResolvers<void>()
let isWaiting = false

before(async () => {
  reader = await startWholeReader({
    models,
    clock: {
      ...systemClock,
      delay: async (timeoutMs, signal) => {
        if (timeoutMs !== 5_000 || !isWaiting) return await systemClock.delay(timeoutMs, signal)
        await timeout.promise
      },
    },
  })
})
after(() => reader[Symbol.asyncDispose]())
beforeEach(() => {
  timeout = Promise.withResolvers()
  isWaiting = false
})

const put = (rows: unknown, headers: Readonly<Record<string, string>> = {}) =>
  reader.ask('PUT', '/api/models', { body: { rows }, headers })
const read = () => reader.ask('GET', '/api/models')
const api = (pattern: string) => ({ pattern, execution: 'api' })

test('the table is read and written whole, in versions', async () => {
  const first = await read()
  assert.deepEqual([first.status, first.headers['etag'], first.body['version']], [200, '"1"', 1])
  assert.deepEqual([first.body['written_at'], first.body['written_by']], [null, null])
  assert.ok((first.body['rows'] as { pattern: string }[]).some(({ pattern }) => pattern === 'gpt-4.1'))

  const written = await put([api('gpt-*'), { pattern: 'own', execution: 'local', tdp_watts: 300 }])
  assert.deepEqual([written.status, written.headers['etag']], [200, '"2"'])
  assert.deepEqual(written.body, { updated: true, version: 2 })
  const { body, headers } = await read()
  assert.equal(headers['etag'], '"2"')
  assert.equal(body['written_by'], 'loopback')
  assert.match(String(body['written_at']), /^2026-01-01T/)
  assert.deepEqual(body['rows'], [
    { pattern: 'gpt-*', execution: 'api', tdp_watts: 170 },
    { pattern: 'own', execution: 'local', tdp_watts: 300 },
  ])
})

test('If-Match keeps what somebody else has put; the same table again is no conflict', async () => {
  const version = Number((await read()).body['version'])
  assert.equal((await put([api('a')], { 'if-match': `"${version}"` })).status, 200)
  const stale = await put([api('b')], { 'if-match': `"${version}"` })
  assert.deepEqual([stale.status, stale.body['code']], [412, 'stale_models'])
  const again = await put([api('a')], { 'if-match': `"${version}"` })
  assert.deepEqual([again.status, again.body], [200, { updated: false, version: version + 1 }])
  const listed = await put([api('c')], { 'if-match': `"nothing", "${version + 1}"` })
  assert.equal(listed.status, 200)
  for (const none of ['"no"', 'W/"1"', ''])
    assert.equal((await put([api('d')], { 'if-match': none })).status, 412, none)
  assert.equal((await put([api('e')], { 'if-match': '*' })).status, 200)
})

test('what is wrong with a table is said, and nothing of it is in force', async () => {
  const before = (await read()).body
  const wrong = await put([api('a*b'), api('c'), api('c')])
  assert.deepEqual([wrong.status, wrong.body['code']], [422, 'invalid_request'])
  assert.deepEqual(
    (wrong.body['errors'] as { path: string }[]).map(({ path }) => path),
    ['/rows/0/pattern', '/rows/2/pattern'],
  )
  const broken = await reader.ask('PUT', '/api/models', { body: '{"rows":[' })
  assert.deepEqual([broken.status, broken.body['code']], [400, 'not_json'])
  const large = await reader.ask('PUT', '/api/models', { body: '{"rows":[]}'.padEnd(MODELS_BYTES_MAX + 1) })
  assert.deepEqual([large.status, large.body['code']], [413, 'body_too_large'])
  assert.deepEqual((await read()).body, before)
  const other = await reader.ask('PUT', '/api/settings/compute?node_id=n', { body: '{}'.padEnd(65_537) })
  assert.equal(other.status, 413, 'other routes keep their bound')
  const wide = await put(Array.from({ length: 5_000 }, (_, at) => api(`${'ä'.repeat(60)}${at}`)))
  assert.equal(wide.status, 200, JSON.stringify(wide.body).slice(0, 200))
})

test('a log that does not take it is said, and whether it may have', async () => {
  models.fails = new ModelsNotWritten('no log', false)
  const refused = await put([api('x')])
  assert.deepEqual([refused.status, refused.body['code']], [503, 'log_unavailable'])
  assert.equal(refused.headers['retry-after'], '1')
  models.fails = new ModelsNotWritten('no answer', true)
  const unknown = await put([api('x')])
  assert.deepEqual([unknown.status, unknown.body['code']], [503, 'outcome_unknown'])
})

test('a table that takes long is not known to be written, and another one waits its turn', async () => {
  const held = Promise.withResolvers<void>()
  models.held = held.promise
  isWaiting = true
  const first = put([api('slow')])
  await systemClock.delay(50)
  const second = await put([api('y')])
  assert.deepEqual([second.status, second.body['code']], [503, 'overloaded'])
  timeout.resolve()
  const answer = await first
  assert.deepEqual([answer.status, answer.body['code']], [503, 'outcome_unknown'])
  held.resolve()
  isWaiting = false
  models.held = Promise.resolve()
  await systemClock.delay(20)
  const again = await put([api('slow')])
  assert.deepEqual([again.status, again.body['updated']], [200, false])
})
