import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describeFailure } from './errors.ts'
import type { Engine } from './engine.ts'
import type { Connection, StreamHandle } from './native.ts'

/** Row formats without header or footer: only these come out of the engine in pieces that can be joined. */
const STREAMABLE = new Set([
  'JSONEachRow',
  'JSONCompactEachRow',
  'JSONStringsEachRow',
  'JSONCompactStringsEachRow',
  'TabSeparated',
  'TSV',
  'TabSeparatedRaw',
  'TSVRaw',
  'CSV',
  'RowBinary',
])

/** True if results of this format may be sent piece by piece. */
export function isStreamable(format: string): boolean {
  return STREAMABLE.has(format)
}

/** A result that is still being produced: its first pieces, and the handle for the others. */
export interface OpenResult {
  readonly handle: StreamHandle
  readonly first: Buffer
  /** True if `first` is the whole result. */
  readonly done: boolean
}

/**
 * Starts a streamed read and fetches one piece in advance: a small result is then complete and can be answered with its
 * length, and an early error still gets an HTTP status of its own.
 */
export async function openResult(
  engine: Engine,
  connection: Connection,
  sql: string,
  format: string,
): Promise<OpenResult> {
  const { addon } = engine
  const handle = addon.StreamQuery(connection, sql, format)
  try {
    const one = await addon.StreamFetch(handle)
    const two = one.done ? one : await addon.StreamFetch(handle)
    const first = Buffer.concat(one.done ? [one.bytes] : [one.bytes, two.bytes])
    if (two.done) addon.StreamCancel(handle)
    return { handle, first, done: two.done }
  } catch (error) {
    addon.StreamCancel(handle)
    throw error
  }
}

/**
 * The rest of a streamed result. Whatever ends it (the end, an error, a client that leaves), `release` runs once, after
 * the last call into the engine.
 * An error in the middle of the data is reported as a server reports it: a block marked with `exceptionTag` ends the
 * body, which then `hasFailed`, so that the connection is broken off after it.
 */
export class ResultStream extends Readable {
  readonly exceptionTag = randomBytes(8).toString('hex')
  /** True when what came is not the whole result. */
  hasFailed = false
  readonly #engine: Engine
  readonly #handle: StreamHandle
  readonly #release: () => Promise<void>
  #first: Buffer | undefined
  #fetching: Promise<void> = Promise.resolve()

  constructor(engine: Engine, result: OpenResult, release: () => Promise<void>) {
    super()
    this.#engine = engine
    this.#handle = result.handle
    this.#first = result.first
    this.#release = release
  }

  override _read(): void {
    const first = this.#first
    this.#first = undefined
    if (first && first.length > 0) this.push(first)
    else this.#fetching = this.#fetch()
  }

  override _destroy(reason: Error | null, ended: (reason: Error | null) => void): void {
    void this.#end(reason).then(ended)
  }

  /** A call may be under way, and the handle and its connection must live longer than it. */
  async #end(reason: Error | null): Promise<Error | null> {
    await this.#fetching
    try {
      this.#engine.addon.StreamCancel(this.#handle)
      await this.#release()
      return reason
    } catch (error) {
      return reason ?? (error as Error)
    }
  }

  /** Never rejects: an error is part of the body. */
  async #fetch(): Promise<void> {
    try {
      for (;;) {
        const { bytes, done } = await this.#engine.addon.StreamFetch(this.#handle)
        if (bytes.length > 0) this.push(Buffer.from(bytes))
        if (done) this.push(null)
        if (done || bytes.length > 0) return
      }
    } catch (error) {
      this.hasFailed = true
      const { message } = describeFailure(error, this.#engine.version)
      const size = Buffer.byteLength(message)
      const tag = this.exceptionTag
      this.push(`\r\n__exception__\r\n${tag}\r\n${message}${size} ${tag}\r\n__exception__\r\n`)
      this.push(null)
    }
  }
}
