import { createHmac, timingSafeEqual } from 'node:crypto'
import { CURSOR_CHARACTERS_MAX } from '../../schemas/http/fields.ts'
import { Problem } from './problem.ts'

/** Where a list continues: the sort key of the last item given, as text. */
export type CursorPosition = readonly string[]

const TAG_BYTES = 16

/**
 * Opaque cursors. Each is signed together with its scope (the list and its parameters), so that it continues only the
 * list that it was made for, and a client cannot invent what it carries, like the balance that a page begins with.
 */
export class Cursors {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /** A cursor for URLs. `scope` is any text that names the list. */
  seal(scope: string, position: CursorPosition): string {
    const body = Buffer.from(JSON.stringify(position), 'utf8')
    return Buffer.concat([this.#tag(scope, body), body]).toString('base64url')
  }

  /** The position that was sealed. Throws a Problem where the cursor is not of this scope and length. */
  open(scope: string, cursor: string, parts: number): CursorPosition {
    const bytes = Buffer.from(cursor.slice(0, CURSOR_CHARACTERS_MAX), 'base64url')
    const tag = bytes.subarray(0, TAG_BYTES)
    const body = bytes.subarray(TAG_BYTES)
    if (tag.length === TAG_BYTES && timingSafeEqual(tag, this.#tag(scope, body))) {
      const position = JSON.parse(body.toString('utf8')) as CursorPosition
      if (position.length === parts) return position
    }
    const message = '"cursor" is not one that this list gave with these parameters. Start without a cursor.'
    throw new Problem('invalid_cursor', message, {
      errors: [{ path: '/cursor', code: 'invalid', message }],
    })
  }

  #tag(scope: string, body: Buffer): Buffer {
    return createHmac('sha256', this.#key)
      .update(scope)
      .update('\0')
      .update(body)
      .digest()
      .subarray(0, TAG_BYTES)
  }
}
