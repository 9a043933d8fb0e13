import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EXIT, ExitError, describeError, exitCodeOf } from './exit.ts'

describe('exit codes', () => {
  it('are those of the error, wherever it stands among the causes', () => {
    const inner = new ExitError(EXIT.configuration, 'wrong')
    assert.equal(exitCodeOf(inner), 78)
    assert.equal(exitCodeOf(new Error('outer', { cause: inner })), 78)
    assert.equal(exitCodeOf(new Error('plain')), 1)
    assert.equal(exitCodeOf('no error at all'), 1)
  })

  it('are 69 where a connection failed', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    assert.equal(exitCodeOf(new Error('retries exceeded', { cause: refused })), 69)
  })

  it('survive causes that form a ring', () => {
    const ring = new Error('a')
    ring.cause = new Error('b', { cause: ring })
    assert.equal(exitCodeOf(ring), 1)
    assert.equal(describeError(ring), 'a: b')
  })

  it('are described on one line, each message once', () => {
    const cause = new Error('socket\nclosed')
    assert.equal(describeError(new Error('insert failed', { cause })), 'insert failed: socket closed')
    assert.equal(describeError(new Error('failed: socket\nclosed', { cause })), 'failed: socket closed')
  })
})
