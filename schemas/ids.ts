import { createHash } from 'node:crypto'

/** The partition of a node, and how an event id is read. `identity.ts` defines which usage events are the same. */

/** node_id, operator_id, goal_id, requester_node_id and reservation_id: 1 to 64 of these characters. */
export const NODE_ID_PATTERN = '^[A-Za-z0-9._:-]{1,64}$'
export const NODE_ID_BYTES_MAX = 64

/** Most code points of event_id and model_id. */
export const TEXT_CODE_POINTS_MAX = 128

const TEXT = /^[^\p{Cc}\p{Cs}\p{Cn}]{1,128}$/u
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** True for 1 to 128 code points, none of them a control, surrogate or unassigned one. */
export function isFreeText(text: string): boolean {
  return TEXT.test(text)
}

/** An event id as the log keeps it: 16 bytes, and the sent text where the bytes alone do not reveal it. */
export interface EventId {
  readonly bytes: Buffer
  readonly text: string | null
  /** The text is neither a UUID nor a ULID: the text identifies the event, and not the bytes (`identity.ts`). */
  readonly isHashed: boolean
}

/**
 * Reads an event id: a UUID or a ULID, in any case, gives its own 128 bits; other free text is hashed to a UUIDv8. Null
 * where the text is not allowed.
 */
export function parseEventId(sent: string): EventId | null {
  if (UUID.test(sent)) {
    const bytes = Buffer.from(sent.replaceAll('-', ''), 'hex')
    return { bytes, text: sent === sent.toLowerCase() ? null : sent, isHashed: false }
  }
  if (ULID.test(sent)) return { bytes: ulidBytes(sent), text: sent, isHashed: false }
  if (!isFreeText(sent)) return null
  return { bytes: hashToUuid(sent), text: sent, isHashed: true }
}

/** Whether a text is a UUID or a ULID, whose 128 bits are used as they are. */
export function readsAsId(text: string): boolean {
  return UUID.test(text) || ULID.test(text)
}

/** The text form of 16 bytes: a lower-case UUID. */
export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A UUIDv8 made from the first 122 bits of SHA-256: for event ids that are plain text, and for ledger ids. */
export function hashToUuid(text: string): Buffer {
  const bytes = createHash('sha256').update(text, 'utf8').digest().subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes
}

function ulidBytes(ulid: string): Buffer {
  let value = 0n
  for (const character of ulid.toUpperCase()) {
    value = (value << 5n) | BigInt(CROCKFORD.indexOf(character))
  }
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}

/**
 * Kafka's default partitioner (murmur2, sign bit cleared) over the key's bytes, so that every producer, ours or
 * not, sends a node to the same partition. `start` and `end` bound the key within `bytes`.
 */
export function partitionOfKey(bytes: Uint8Array, partitions: number, start = 0, end = bytes.length): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions
}

/** The partition of a node in every topic of Hivemeter. */
export function partitionOfNode(nodeId: string, partitions: number): number {
  return partitionOfKey(Buffer.from(nodeId, 'utf8'), partitions)
}

const MURMUR_M = 0x5bd1e995

function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = 0x9747b28c ^ length
  let at = start
  const byte = (index: number): number => bytes[index] as number
  for (; at + 4 <= end; at += 4) {
    let word = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24)
    word = Math.imul(word, MURMUR_M)
    word ^= word >>> 24
    hash = Math.imul(hash, MURMUR_M) ^ Math.imul(word, MURMUR_M)
  }
  const rest = end - at
  if (rest >= 3) hash ^= byte(at + 2) << 16
  if (rest >= 2) hash ^= byte(at + 1) << 8
  if (rest >= 1) hash = Math.imul(hash ^ byte(at), MURMUR_M)
  hash = Math.imul(hash ^ (hash >>> 13), MURMUR_M)
  return hash ^ (hash >>> 15)
}
