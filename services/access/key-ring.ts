import { timingSafeEqual } from 'node:crypto'
import type { AccessKey } from '../../schemas/records.ts'
import { SCOPES } from '../http/caller.ts'
import type { Caller, Scope } from '../http/caller.ts'
import { hashSecret, parseKey } from './key-text.ts'
import { readAccessKey } from './read-key.ts'

/** The hash to compare with where no key has the id, so that an unknown id takes as long as a wrong secret. */
const NO_HASH = Buffer.alloc(32)

/** Characters that are shown of a text in the place of a key's id, which may be something else. */
const SHOWN_ID_CHARACTERS_MAX = 40

/** A value of access.keys that is not a key. */
export interface UnreadableKey {
  readonly keyId: string
  readonly problem: string
}

/** Why a key's text is not accepted. This is for the audit only; the client that sent it must not get it. */
export interface RefusedKey {
  /** Null where there is no such key. */
  readonly keyId: string | null
  readonly reason: 'unknown_key' | 'wrong_secret' | 'revoked' | 'expired' | 'parent_ended'
}

/** Every key, as the records of access.keys give it. */
export class KeyRing {
  readonly #keys = new Map<string, AccessKey>()
  readonly #unreadable = new Map<string, UnreadableKey>()
  readonly #onUnreadable: (key: UnreadableKey) => void

  /** @param onUnreadable is called once for every value that is not a key. */
  constructor(onUnreadable: (key: UnreadableKey) => void = () => {}) {
    this.#onUnreadable = onUnreadable
  }

  get size(): number {
    return this.#keys.size
  }

  /**
   * Takes the next record of access.keys. A record that cannot be read disables its key until a readable one follows: it
   * may have revoked the key, which must not stay in force then. Never throws: the records after it count.
   */
  apply({ key, value }: { readonly key: Buffer | null; readonly value: Buffer | null }): void {
    const keyId = key?.toString('utf8') ?? ''
    this.#keys.delete(keyId)
    this.#unreadable.delete(keyId)
    if (value === null) return
    const read = readAccessKey(keyId, value)
    if (!('problem' in read)) {
      this.#keys.set(keyId, read)
      return
    }
    const shown =
      keyId === '' ? '(no id)' : JSON.stringify(keyId.slice(0, SHOWN_ID_CHARACTERS_MAX)).slice(1, -1)
    const unreadable = { keyId: shown, problem: read.problem }
    this.#unreadable.set(keyId, unreadable)
    this.#onUnreadable(unreadable)
  }

  all(): AccessKey[] {
    return [...this.#keys.values()].sort((left, right) => left.created_at - right.created_at)
  }

  /** The keys whose newest value cannot be read: they are not accepted. */
  unreadable(): UnreadableKey[] {
    return [...this.#unreadable.values()]
  }

  /** Returns the holder of the key or, for anything that is not the text of a key in force, the reason. */
  judge(text: string, nowMs: number): Caller | RefusedKey {
    const parsed = parseKey(text)
    if (parsed === null) return { keyId: null, reason: 'unknown_key' }
    const key = this.#keys.get(parsed.keyId)
    const isRight = timingSafeEqual(hashSecret(parsed.secret), key?.secret_hash ?? NO_HASH)
    if (key === undefined) return { keyId: null, reason: 'unknown_key' }
    if (!isRight) return { keyId: key.key_id, reason: 'wrong_secret' }
    if (key.revoked_at !== null) return { keyId: key.key_id, reason: 'revoked' }
    if (!isActive(key, nowMs)) return { keyId: key.key_id, reason: 'expired' }
    if (!this.isInForce(key, nowMs)) return { keyId: key.key_id, reason: 'parent_ended' }
    return { ...callerOf(`key:${key.key_id}`, key), fleetNode: key.fleet_node, grants: key.grants }
  }

  /**
   * True where the key is active, and the key that it was made from is active too. A parent that is unknown, cannot be
   * read or has a parent itself ends its children too: otherwise nobody could end them together with it.
   */
  isInForce(key: AccessKey, nowMs: number): boolean {
    if (!isActive(key, nowMs)) return false
    if (key.parent === null) return true
    const parent = this.#keys.get(key.parent)
    return parent !== undefined && parent.parent === null && isActive(parent, nowMs)
  }
}

/** Neither revoked nor expired by itself. */
export function isActive(key: AccessKey, nowMs: number): boolean {
  return key.revoked_at === null && (key.expires_at === null || key.expires_at > nowMs)
}

/** A caller with these scopes, nodes and operators, and of no fleet's node; unknown words grant nothing. */
export function callerOf(
  id: string,
  { scopes, nodes, operators }: Readonly<Record<'scopes' | 'nodes' | 'operators', readonly string[]>>,
): Caller {
  const known = scopes.filter((scope): scope is Scope => (SCOPES as readonly string[]).includes(scope))
  return {
    id,
    scopes: new Set(known),
    nodes: nodes.includes('*') ? '*' : new Set(nodes),
    operators: new Set(operators),
    fleetNode: null,
    grants: [],
  }
}
