import type { Dice } from '../../../infra/local/sample/random.ts'
import { SCHEMA_ID } from '../../../schemas/avro.ts'
import type { AccessKey } from '../../../schemas/records.ts'
import { damaged, randomBytes } from './fuzzed-bytes.ts'
import { lenientEncoder } from './lenient-avro.ts'

/**
 * Records of access.keys that are as far from ordinary as they can be: keys at their bounds, and values that are no keys.
 */

export interface FuzzedKey {
  readonly key: string
  readonly value: Buffer | null
}

const CLIENTS = ['', 'c'.repeat(64), 'c'.repeat(65), 'a\nb', '\u0378', '€😀']
const NODES = [['*'], [], ['!task'], [''], ['n'.repeat(64)], ['n'.repeat(65)], ['a b'], ['n', '!tick']]
const SCOPES = [[], ['admin'], ['usage:read', 'nonsense'], ['s'.repeat(64)], ['s'.repeat(65)], ['']]
const TIMES_MS = [0, 1, -1, 8.64e15, 8.64e15 + 1_024, 2 ** 53, 2 ** 62, -(2 ** 62)]

/** Longer lists than a key may have, but rarely: they are large. */
const LONG_SHARE = 0.003
const NODES_MAX = 10_000
const SCOPES_MAX = 16

const encode = lenientEncoder(SCHEMA_ID.accessKey, 'access-key.v2')

/** A record under one of these ids, or under a text that is no id. */
export function fuzzedKey(dice: Dice, keyIds: readonly string[]): FuzzedKey {
  const keyId = dice.pick(keyIds)
  const fields: Partial<Record<keyof AccessKey, unknown>> = {}
  for (let changes = dice.between(0, 2); changes > 0; changes--) {
    const [name, values] = dice.pick(ODD)
    fields[name] = dice.pick(values)
  }
  if (dice.next() < LONG_SHARE)
    fields.nodes = Array.from({ length: NODES_MAX + dice.between(0, 1) }, () => 'n')
  if (dice.next() < LONG_SHARE)
    fields.scopes = Array.from({ length: SCOPES_MAX + dice.between(0, 1) }, () => 's')
  const value = encode({
    key_id: keyId,
    client: 'fuzz',
    secret_hash: randomBytes(dice, 32),
    scopes: ['usage:read'],
    nodes: ['n'],
    created_at: 1,
    expires_at: null,
    revoked_at: null,
    operators: [],
    parent: null,
    fleet_node: null,
    grants: [],
    ...fields,
  })
  const key = dice.next() < 0.9 ? keyId : dice.pick(['', 'x', '!task', 'A'.repeat(16), 'f'.repeat(300)])
  return { key, value: damaged(dice, value) }
}

const ODD: readonly (readonly [keyof AccessKey, readonly unknown[]])[] = [
  ['key_id', ['', 'x', '0'.repeat(16), 'F'.repeat(16)]],
  ['client', CLIENTS],
  ['scopes', SCOPES],
  ['nodes', NODES],
  ['operators', NODES],
  ['parent', [null, '', 'x', '0'.repeat(16), 'f'.repeat(16)]],
  ['fleet_node', [null, { provider_id: '', location_id: 'l', node_id: 'n' }]],
  ['created_at', TIMES_MS],
  ['expires_at', [null, ...TIMES_MS]],
  ['revoked_at', [null, ...TIMES_MS]],
]
