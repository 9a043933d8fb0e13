import { hash } from 'node:crypto'
import { hashToUuid, parseEventId } from './ids.ts'
import type { UsageEvent } from './usage.ts'
import { DAY_MS } from './units.ts'

/**
 * The identity of an event: its node, a kind, and 128 bits (rules 3). A UUID or ULID is an `id`, with its own bits; any
 * other text is a `text`, whose bits are a hash of the text and of its source. The kind keeps the two apart: no id that a
 * client sends can be confused with a text, whatever its bits.
 */
export const ID_KINDS = ['id', 'text'] as const
export type IdKind = (typeof ID_KINDS)[number]

export interface Identity {
  readonly kind: IdKind
  /** 128 bits. */
  readonly bytes: Buffer
}

/** Most code points of event_source. */
export const SOURCE_CODE_POINTS_MAX = 256

const SOURCE = /^[^\p{Cc}\p{Cs}\p{Cn}]{1,256}$/u

/** True for 1 to 256 code points, none of them a control, surrogate or unassigned one. */
export function isSource(text: string): boolean {
  return SOURCE.test(text)
}

const DOMAIN = Buffer.from('hivemeter/event-text/1')
const LENGTH_BYTES = 4

/**
 * The 128 bits of a text: the first half of SHA-256 over domain, source and text in UTF-8, each preceded by its length in
 * bytes (32 bits, big-endian); a missing source counts as an empty one. No key is part of it, so that a client can compute
 * it beforehand.
 */
export function bitsOfText(source: Uint8Array, text: Uint8Array): Buffer {
  const parts = [DOMAIN, source, text]
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0))
  let at = 0
  for (const part of parts) {
    at = bytes.writeUInt32BE(part.length, at)
    bytes.set(part, at)
    at += part.length
  }
  return hash('sha256', bytes, 'buffer').subarray(0, 16)
}

/**
 * The identity of an event within its node. Where there is a text, the bytes that came with it have no effect; without one,
 * the source has none.
 */
export function identityOf(event: Pick<UsageEvent, 'event_id' | 'event_text' | 'event_source'>): Identity {
  const { event_id, event_text, event_source } = event
  if (event_text === null) return { kind: 'id', bytes: event_id }
  const read = parseEventId(event_text)
  if (read !== null && !read.isHashed) return { kind: 'id', bytes: read.bytes }
  const bytes = bitsOfText(Buffer.from(event_source ?? '', 'utf8'), Buffer.from(event_text, 'utf8'))
  return { kind: 'text', bytes }
}

/** The bits under which versions before rules 3 knew a text, as an `id`: a UUIDv8, whatever the text's source was. */
export function bitsBefore(text: string): Buffer {
  return hashToUuid(text)
}

/**
 * For how long after the change of rules a text is also looked up in the old way, in log time: an event may be 35 days old,
 * and may be ahead of its receipt by as much of a day as the task allows.
 */
export const TEXTS_AS_BEFORE_MS = 36 * DAY_MS
