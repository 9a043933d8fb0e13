import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { systemRandom } from '../../pipelines/random.ts'
import { SCHEMA_ID, accessKeyCodec, avroType, framed } from '../../schemas/avro.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { BELIEVED_WITHIN_MS, Freshness, READY_WITHIN_MS } from './freshness.ts'
import { KeyRing } from './key-ring.ts'
import type { UnreadableKey } from './key-ring.ts'
import { hashSecret, newKey } from './key-text.ts'
import { NODES_PER_KEY_MAX, OPERATORS_PER_KEY_MAX } from './read-key.ts'

const { keyId, secret, text } = newKey(systemRandom)
const KEY: AccessKey = {
  key_id: keyId,
  client: 'ana',
  secret_hash: hashSecret(secret),
  scopes: ['usage:read'],
  nodes: ['n'],
  created_at: 1,
  expires_at: null,
  revoked_at: null,
  operators: [],
  parent: null,
  fleet_node: null,
  grants: [],
}
const valueOf = (fields: Partial<AccessKey> = {}): Buffer => accessKeyCodec.encode({ ...KEY, ...fields })

function ringOf() {
  const reported: UnreadableKey[] = []
  const ring = new KeyRing((one) => reported.push(one))
  const say = (value: Buffer | null, id: Buffer | null = Buffer.from(keyId)) => ring.apply({ key: id, value })
  return { ring, reported, say }
}

function callerIn(ring: KeyRing, shown: string) {
  const judged = ring.judge(shown, 2)
  return 'reason' in judged ? null : judged
}

test('a value that cannot be read disables its key until one comes that can, and no other key', () => {
  const { ring, reported, say } = ringOf()
  const other = newKey(systemRandom)
  say(valueOf({ key_id: other.keyId, secret_hash: hashSecret(other.secret) }), Buffer.from(other.keyId))
  say(valueOf())
  assert.equal(callerIn(ring, text)?.id, `key:${keyId}`)
  say(Buffer.from('nonsense'))
  assert.equal(callerIn(ring, text), null)
  assert.equal(callerIn(ring, other.text)?.id, `key:${other.keyId}`)
  assert.deepEqual([reported.length, ring.unreadable()[0]?.keyId], [1, keyId])
  say(valueOf())
  assert.deepEqual([callerIn(ring, text)?.id, ring.unreadable().length], [`key:${keyId}`, 0])
  say(Buffer.alloc(0))
  say(null)
  assert.deepEqual([callerIn(ring, text), ring.unreadable().length, ring.size], [null, 0, 1])
})

test('what breaks a bound is no key, and says which', () => {
  const wrong: readonly [Partial<AccessKey>, RegExp][] = [
    [{ nodes: ['!task'] }, /names a node that there cannot be/],
    [{ nodes: [''] }, /names a node/],
    [{ nodes: ['n'.repeat(65)] }, /names a node/],
    [{ nodes: Array.from({ length: NODES_PER_KEY_MAX + 1 }, () => 'n') }, /more than 10000 nodes/],
    [{ scopes: Array.from({ length: 17 }, () => 's') }, /scopes/],
    [{ scopes: ['s'.repeat(65)] }, /scopes/],
    [{ operators: ['*'] }, /names an operator that there cannot be/],
    [{ operators: ['!issuer'] }, /names an operator/],
    [{ operators: Array.from({ length: OPERATORS_PER_KEY_MAX + 1 }, () => 'o') }, /more than 1000 operators/],
    [{ parent: 'nobody' }, /parent is no other key/],
    [{ parent: keyId }, /parent is no other key/],
    [{ client: '' }, /client/],
    [{ client: 'a\nb' }, /client/],
    [{ key_id: 'f'.repeat(16) }, /names another key/],
    [{ created_at: -1 }, /time/],
    [{ expires_at: Number.MAX_SAFE_INTEGER - 1 }, /time/],
  ]
  for (const [fields, problem] of wrong) {
    const { ring, reported, say } = ringOf()
    say(valueOf(fields))
    assert.equal(callerIn(ring, text), null)
    assert.match(reported[0]?.problem ?? '', problem)
  }
  const { reported, say } = ringOf()
  say(valueOf(), Buffer.from('\n'.repeat(1_000)))
  say(valueOf(), null)
  assert.deepEqual([reported[0]?.keyId.length, reported[1]?.keyId], [80, '(no id)'])
})

test('a key that was made from another one ends with it, and is nothing without it', () => {
  const { ring, say } = ringOf()
  const other = newKey(systemRandom)
  const id = Buffer.from(other.keyId)
  const parent = (fields: Partial<AccessKey> = {}): Buffer =>
    valueOf({ key_id: other.keyId, secret_hash: hashSecret(other.secret), ...fields })
  const ends: readonly (readonly [string, Buffer | null])[] = [
    ['revoked', parent({ revoked_at: 2 })],
    ['expired', parent({ expires_at: 2 })],
    ['unreadable', Buffer.from('nonsense')],
    ['gone', null],
    ['one that has a parent itself', parent({ parent: 'f'.repeat(16) })],
  ]
  say(valueOf({ parent: other.keyId }))
  assert.equal(callerIn(ring, text), null, 'before its parent is known')
  for (const [what, end] of ends) {
    say(parent(), id)
    assert.equal(callerIn(ring, text)?.id, `key:${keyId}`)
    say(end, id)
    assert.equal(callerIn(ring, text), null, what)
  }
  say(parent({ revoked_at: 2 }), id)
  say(valueOf())
  assert.equal(callerIn(ring, text)?.id, `key:${keyId}`, 'without a parent it stands alone')
})

test('a key names its operators, and one of before names none', () => {
  const { ring, say } = ringOf()
  say(valueOf({ operators: ['ana', 'ben'] }))
  assert.deepEqual(callerIn(ring, text)?.operators, new Set(['ana', 'ben']))
  say(framed(SCHEMA_ID.accessKeyV1, [avroType('access-key.v1').toBuffer(KEY)]))
  const caller = callerIn(ring, text)
  assert.deepEqual([caller?.operators, caller?.nodes], [new Set(), new Set(['n'])])
  assert.equal(ring.all()[0]?.parent, null)
})

test('no record makes the ring throw, whatever its bytes', () => {
  const { ring, say } = ringOf()
  const whole = valueOf()
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat(whole.length).map((end) => whole.subarray(0, end)),
    fc.tuple(fc.nat(whole.length - 1), fc.nat(7)).map(([at, bit]) => {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
      return flipped
    }),
  )
  fc.assert(
    fc.property(bytes, fc.option(fc.uint8Array({ maxLength: 20 })), (value, id) => {
      say(Buffer.from(value), id === null ? Buffer.from(keyId) : Buffer.from(id))
      callerIn(ring, text)
    }),
  )
})

test('a table that was not read to its end is told after a minute, and not believed after five', () => {
  const freshness = new Freshness(1_000)
  freshness.current(5_000)
  freshness.current(4_000)
  assert.deepEqual(freshness.waitingFor(5_000 + READY_WITHIN_MS), [])
  assert.match(freshness.waitingFor(5_001 + READY_WITHIN_MS)[0] ?? '', /^access\.keys to be read to its end/)
  assert.equal(freshness.isBelieved(5_000 + BELIEVED_WITHIN_MS), true)
  assert.equal(freshness.isBelieved(5_001 + BELIEVED_WITHIN_MS), false)
  freshness.current(400_000)
  assert.deepEqual([freshness.waitingFor(400_001), freshness.isBelieved(400_001)], [[], true])
})

test('of a key that lets nobody in the ring says why, and whose it is where it has it', () => {
  const { ring, say } = ringOf()
  const wrong = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
  assert.deepEqual(ring.judge(text, 2), { keyId: null, reason: 'unknown_key' })
  assert.deepEqual(ring.judge('hm_', 2), { keyId: null, reason: 'unknown_key' })
  say(valueOf())
  assert.deepEqual(ring.judge(wrong, 2), { keyId, reason: 'wrong_secret' })
  say(valueOf({ expires_at: 2 }))
  assert.deepEqual(ring.judge(text, 2), { keyId, reason: 'expired' })
  say(valueOf({ revoked_at: 1, expires_at: 1 }))
  assert.deepEqual(ring.judge(text, 2), { keyId, reason: 'revoked' })
})
