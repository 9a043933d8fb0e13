import { createHash } from 'node:crypto'
import type { Random } from '../../pipelines/random.ts'

/**
 * A key as its holder has it: `hm_<public id>_<secret>`. The prefix lets scanners find a key that has leaked, and the
 * public id may appear in logs. Only the hash of the secret is kept: the secret has 256 random bits, so nothing slower
 * than SHA-256 is needed.
 */
const KEY_TEXT = /^hm_([0-9a-f]{16})_([0-9a-f]{64})$/

const KEY_ID_RANDOM_BYTES = 8
const SECRET_BYTES = 32

export interface KeyText {
  readonly keyId: string
  readonly secret: string
}

/** A new key; its text is shown once and kept nowhere. */
export function newKey(random: Random): KeyText & { readonly text: string } {
  const keyId = random.bytes(KEY_ID_RANDOM_BYTES).toString('hex')
  const secret = random.bytes(SECRET_BYTES).toString('hex')
  return { keyId, secret, text: `hm_${keyId}_${secret}` }
}

/** The parts of a key's text; null for a text that is not a key. */
export function parseKey(text: string): KeyText | null {
  const [, keyId, secret] = KEY_TEXT.exec(text) ?? []
  return keyId === undefined || secret === undefined ? null : { keyId, secret }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
