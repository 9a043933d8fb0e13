import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededDice } from '../../infra/local/sample/random.ts'
import { accessKeyCodec } from '../../schemas/avro.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { KeyRing } from '../../services/access/key-ring.ts'
import { fetchedBatch } from '../support/records/fuzzed-batches.ts'
import { fuzzedKey } from '../support/records/fuzzed-keys.ts'
import { fuzzSeed } from './seed.ts'

const RECORDS = 15_000
const NOW_MS = 1_000
const KEY_IDS = Array.from({ length: 40 }, (_, at) => at.toString(16).padStart(16, '0'))

/** The bounds of a key, written a second time. */
function isKey(keyId: string, key: AccessKey): boolean {
  const { scopes, nodes, operators, parent, client, created_at, expires_at, revoked_at } = key
  const times = [created_at, expires_at ?? 0, revoked_at ?? 0]
  return (
    /^[\da-f]{16}$/.test(keyId) &&
    key.key_id === keyId &&
    /^[^\p{Cc}\p{Cs}\p{Cn}]{1,64}$/u.test(client) &&
    scopes.length <= 16 &&
    scopes.every((scope) => scope.length <= 64) &&
    nodes.length <= 10_000 &&
    nodes.every((name) => name === '*' || /^[\w.:-]{1,64}$/.test(name)) &&
    operators.length <= 1_000 &&
    operators.every((name) => /^[\w.:-]{1,64}$/.test(name)) &&
    (parent === null || (/^[\da-f]{16}$/.test(parent) && parent !== keyId)) &&
    times.every((time) => time >= 0 && time <= 8.64e15)
  )
}

function keyIn(keyId: string, value: Buffer): AccessKey | null {
  try {
    const key = accessKeyCodec.decode(value)
    return isKey(keyId, key) ? key : null
  } catch {
    return null
  }
}

test('whatever stands in access.keys, each key is what its newest value says, or nobody’s', async (t) => {
  const dice = seededDice(fuzzSeed(t))
  let told = 0
  const ring = new KeyRing(() => told++)
  const expected = new Map<string, AccessKey | null>()
  let wrong = 0
  for (let offset = 0; offset < RECORDS; ) {
    const appends = Array.from({ length: dice.between(1, 30) }, () => ({
      partition: 0,
      ...fuzzedKey(dice, KEY_IDS),
    }))
    const { records, nextOffset } = await fetchedBatch(dice, appends, offset, NOW_MS)
    offset = nextOffset
    for (const { key, value, unreadable } of records) {
      // A batch that cannot be unpacked stops every reader that follows the table; the ring does not handle it.
      if (unreadable !== undefined) continue
      ring.apply({ key, value })
      const keyId = key?.toString() ?? ''
      if (value === null) expected.delete(keyId)
      else {
        const read = keyIn(keyId, value)
        if (read === null) wrong++
        expected.set(keyId, read)
      }
    }
  }
  const keys = [...expected.values()].filter((key) => key !== null)
  const byId = (list: readonly AccessKey[]) => new Map(list.map((key) => [key.key_id, { ...key }]))
  assert.deepEqual(byId(ring.all()), byId(keys))
  assert.equal(ring.unreadable().length, expected.size - keys.length)
  assert.equal(told, wrong)
  t.diagnostic(
    `${RECORDS} records, ${wrong} of them no key; ${keys.length} of ${KEY_IDS.length} keys are in force or revoked`,
  )
  for (const keyId of KEY_IDS) assert.ok('reason' in ring.judge(`hm_${keyId}_${'0'.repeat(64)}`, NOW_MS))
})
