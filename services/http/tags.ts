import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer differs each time, so it has no tag. */
    isFleeting?: boolean
  }
}

/** Codings at the end of a strong tag: the packed answer is another representation of the same state. */
const CODING = /-(gzip|zstd)"$/

const WEAK = /^W\//

const TAG = /(?:W\/)?"[^"]*"/g

/** Bytes of a hash that a tag keeps. */
const TAG_BYTES = 16

/**
 * Watermarks and times of computing advance by themselves. What was true up to one of them still is, so they do not make
 * a different answer. In a JSON text the quotes of this pattern occur around names only: within a value they are escaped.
 */
const MOVING = /"(?:as_of|computed_at)":"[^"]*"|"age_seconds":\d+/g

/** The tags that a header lists, as a client got them from a plain answer; `*` for any. */
export function tagsOf(header: string): readonly string[] | '*' {
  const text = header.trim()
  if (text === '*') return '*'
  // A text that is not a tag is kept: it matches nothing, and the client gets no error for it.
  return (text.match(TAG) ?? [text]).map(plain)
}

/** The tag with which If-None-Match names this one, weak or strong (RFC 9110, 13.1.2); null where it does not. */
function namedIn(header: string, tag: string): string | null {
  if (header.trim() === '*') return tag
  const opaque = tag.replace(WEAK, '')
  const named = (header.match(TAG) ?? []).find((other) => plain(other).replace(WEAK, '') === opaque)
  if (named === undefined) return null
  // A strong one is returned as the client knows it, packed or not.
  return WEAK.test(tag) || WEAK.test(named) ? tag : named
}

function plain(tag: string): string {
  return tag.replace(CODING, '"')
}

/** The tag of a packed answer. A weak tag claims only that the state is the same, and stays unchanged. */
export function packedTag(tag: string, coding: string): string {
  return tag.startsWith('W/') ? tag : tag.replace(/"$/, `-${coding}"`)
}

/** Makes the tag of an answer that is written piece by piece. */
export class TagWriter {
  readonly #hash = createHash('sha256')

  /** Adds the next piece; pieces are cut outside of names and values. */
  add(piece: string | Buffer): void {
    this.#hash.update(typeof piece === 'string' ? piece.replaceAll(MOVING, '') : piece)
  }

  end(): string {
    return `W/"${this.#hash.digest().subarray(0, TAG_BYTES).toString('base64url')}"`
  }
}

/** Gives the answers of every GET a tag, and 304 to a client that already has the answer. */
export function tagAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { method, headers, routeOptions } = request
    if (reply.statusCode !== 200 || (method !== 'GET' && method !== 'HEAD')) return payload
    let tag = reply.getHeader('etag')
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload)
    if (tag === undefined && isWhole && routeOptions.config.isFleeting !== true) {
      const writer = new TagWriter()
      writer.add(payload)
      tag = writer.end()
      reply.header('etag', tag)
    }
    if (tag === undefined || !isWhole) return payload
    // Only the client itself may keep the answer, and must validate it before each use.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-cache')
    const named =
      headers['if-none-match'] === undefined ? null : namedIn(headers['if-none-match'], String(tag))
    if (named === null) return payload
    reply.code(304)
    // The body of an answer to HEAD is removed later: its length stays.
    if (method === 'HEAD') return payload
    reply.header('etag', named).removeHeader('content-type').removeHeader('content-disposition')
    return null
  })
}
