import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { accessKeyCodec } from '../../../schemas/avro.ts'
import type { AccessKey } from '../../../schemas/records.ts'
import type { Access } from '../../../services/access/access.ts'
import type { KeyRing } from '../../../services/access/key-ring.ts'
import { hashSecret, newKey } from '../../../services/access/key-text.ts'

type RequiredAccess = Extract<Access, { mode: 'required' }>

/** Access by these keys, which are all read and fresh; no tokens, and a higher limit of requests than a test sends. */
export function accessBy(keys: KeyRing, fields: Partial<RequiredAccess> = {}): RequiredAccess {
  return {
    mode: 'required',
    keys,
    jwt: undefined,
    isLoaded: () => true,
    isBelieved: () => true,
    requestsPerSecondMax: 1_000_000,
    clock: systemClock,
    ...fields,
  }
}

/**
 * Makes a key with only the rights in `fields`, for ever, and puts it into the ring; returns its text as a client sends
 * it.
 */
export function addKey(ring: KeyRing, fields: Partial<AccessKey> = {}): string {
  const { keyId, secret, text } = newKey(systemRandom)
  const value = accessKeyCodec.encode({
    key_id: keyId,
    client: 'c',
    secret_hash: hashSecret(secret),
    scopes: [],
    nodes: [],
    created_at: 0,
    expires_at: null,
    revoked_at: null,
    operators: [],
    parent: null,
    fleet_node: null,
    grants: [],
    ...fields,
  })
  ring.apply({ key: Buffer.from(keyId), value })
  return text
}
