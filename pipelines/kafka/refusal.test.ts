import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalIn, refusalOf } from './refusal.ts'

test('what a client is refused for is told from what only failed', () => {
  for (const words of [
    'connect ECONNREFUSED 127.0.0.1:9092',
    'Closed connection',
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
