import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKED_BATCH_TYPE } from '../../schemas/http/fleet.ts'
import { foreignProblem, refuseForeign } from './foreign.ts'

test('a request from this machine is told from one that a web page of elsewhere caused', () => {
  for (const host of ['127.0.0.1:4680', 'localhost:4680', 'LOCALHOST', '[::1]:4680', '127.1.2.3'])
    assert.equal(foreignProblem({ host }), undefined, host)
  assert.equal(foreignProblem({ host: 'localhost:4680', origin: 'http://localhost:4680' }), undefined)
  for (const host of [
    'evil.example',
    'evil.example:4680',
    '127.0.0.1.evil.example',
    'localhost.evil',
    '10.0.0.1:1',
    '',
  ])
    assert.match(foreignProblem({ host }) ?? '', /^The Host of the request is not this machine's/, host)
  assert.match(foreignProblem({}) ?? '', /^The Host/)
  for (const origin of ['http://evil.example', 'null', 'https://localhost:4680', 'http://localhost:4681', ''])
    assert.match(foreignProblem({ host: 'localhost:4680', origin }) ?? '', /elsewhere are refused/, origin)
  assert.ok((foreignProblem({ host: 'x'.repeat(10_000) }) ?? '').length < 300)
})

test('a POST without credentials says a type, or has a header, that no form can send', () => {
  const asks = (headers: Record<string, string>) => () =>
    refuseForeign({ method: 'POST', is404: false, headers: { host: 'localhost', ...headers } } as never, [])
  for (const type of [
    'application/json',
    'application/x-ndjson',
    'application/json-seq',
    'application/a.b+json; v=1',
    PACKED_BATCH_TYPE,
  ])
    assert.doesNotThrow(asks({ 'content-type': type }), type)
  assert.doesNotThrow(asks({ 'ce-specversion': '1.0' }))
  for (const type of [
    'text/plain',
    'multipart/form-data',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/vnd.other.worker-telemetry',
  ])
    assert.throws(asks({ 'content-type': type, 'ce-specversion': '1.0' }), type)
  assert.throws(asks({}))
})
