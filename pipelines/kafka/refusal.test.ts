import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bound } from '../../test/support/oracles/named-bounds.ts'
import { silentLogger } from '../logger.ts'
import { RefusalLog, refusalIn, refusalOf } from './refusal.ts'

test('what a client is refused for is told from what only failed', () => {
  for (const words of [
    'connect ECONNREFUSED 127.0.0.1:9092',
    'Closed connection',
    'SASL SCRAM SHA512 authentication failed: Not connected',
    'Request Fetch timed out',
    '',
  ]) {
    assert.equal(refusalIn(words), undefined)
  }
  const cases: readonly [words: string, what: RegExp][] = [
    [
      'SASL SCRAM SHA512 authentication failed: Authentication failed due to invalid credentials',
      /password is wrong/,
    ],
    ['SASL OAUTHBEARER authentication failed: {"status":"invalid_token"}', /do not take the token/],
    [
      'SASL PLAIN authentication failed: Authentication failed: Invalid username or password',
      /password is wrong/,
    ],
    ['SASL PLAIN mechanism is not supported by the server', /do not take this SASL mechanism/],
    ['Request is not valid given the current SASL state', /knows no SASL/],
    ['Connection error: self-signed certificate in certificate chain', /not trusted here/],
    ['CERT_HAS_EXPIRED Connection error: certificate has expired', /has expired/],
    ['Not authorized to access topics: [Topic authorization failed]', /lacks a right/],
    ['Not authorized to access group: Group authorization failed', /lacks a right/],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', /lacks a right/],
  ]
  for (const [words, what] of cases) assert.match(refusalIn(words)?.what ?? '', what)
})

test('the reason is found behind the error that carries it', () => {
  const cause = Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' })
  assert.match(refusalOf(new Error('gave up', { cause }))?.what ?? '', /lacks a right/)
  assert.equal(refusalOf(new Error('gave up', { cause: new Error('no') })), undefined)
  assert.equal(refusalOf('no error'), undefined)
})

test('a client that is refused again and again says so at its pace, and never what was no refusal', () => {
  const said: string[] = []
  const log = new RefusalLog({ ...silentLogger, warn: (_fields, message) => void said.push(message) }, 'b:1')
  const silenceMs = bound('pipelines/kafka/refusal.ts', 'REFUSAL_SILENCE_MS')
  log.notice('Connection error: connect ECONNREFUSED', 1_000)
  for (const nowMs of [2_000, 2_001, 1_999 + silenceMs]) log.notice('TOPIC_AUTHORIZATION_FAILED', nowMs)
  assert.deepEqual(said, ['Kafka refuses this client: this principal lacks a right'])
  log.notice('GROUP_AUTHORIZATION_FAILED', 2_000 + silenceMs)
  assert.equal(said.length, 2)
})
