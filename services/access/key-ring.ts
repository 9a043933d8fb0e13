import { timingSafeEqual } from 'node:crypto'
import { accessKeyCodec } from '../../schemas/avro.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { SCOPES } from '../http/caller.ts'
import type { Caller, Scope } from '../http/caller.ts'
import { hashSecret, parseKey } from './key-text.ts'

/** Compared against where no key has the id, so that an unknown id takes as long as a wrong secret. */
const NO_HASH = Buffer.alloc(32)

/** Every key, as access.keys tells it. */
export class KeyRing {
  readonly #keys = new Map<string, AccessKey>()

  get size(): number {
    return this.#keys.size
  }

  /** The next record of access.keys. */
  apply({ key, value }: { readonly key: Buffer | null; readonly value: Buffer | null }): void {
    if (key === null) return
    const keyId = key.toString('utf8')
    if (value === null) {
      this.#keys.delete(keyId)
      return
    }
    const decoded = accessKeyCodec.decode(value)
    this.#keys.set(keyId, { ...decoded, secret_hash: ownBytes(decoded.secret_hash) })
  }

  all(): AccessKey[] {
    return [...this.#keys.values()].sort((left, right) => left.created_at - right.created_at)
  }

  /** Who holds the key; null for anything that is not the text of a key in force. */
  caller(text: string, nowMs: number): Caller | null {
    const parsed = parseKey(text)
    if (parsed === null) return null
    const key = this.#keys.get(parsed.keyId)
    const isRight = timingSafeEqual(hashSecret(parsed.secret), key?.secret_hash ?? NO_HASH)
    if (!isRight || key === undefined || !isActive(key, nowMs)) return null
    return callerOf(`key:${key.key_id}`, key.scopes, key.nodes)
  }
}

/** Neither revoked nor expired. */
export function isActive(key: AccessKey, nowMs: number): boolean {
  return key.revoked_at === null && (key.expires_at === null || key.expires_at > nowMs)
}

/** A caller of these scopes and nodes; unknown words grant nothing. */
export function callerOf(id: string, scopes: readonly string[], nodes: readonly string[]): Caller {
  const known = scopes.filter((scope): scope is Scope => (SCOPES as readonly string[]).includes(scope))
  return { id, scopes: new Set(known), nodes: nodes.includes('*') ? '*' : new Set(nodes) }
}
