import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClickhouseError } from './errors.ts'
import { quoteString } from './settings.ts'
import type { Statement } from './statement.ts'
import { MIB } from '../../../schemas/units.ts'

/**
 * Bytes of one request body after decompression (of the data of an INSERT in zstd: before); larger ones are refused with
 * code 290.
 */
export const BODY_MAX_BYTES = 256 * MIB
/** A client that sends more than twice the bound is cut off; its body is not read to the end. */
const BODY_HEARD_MAX_BYTES = 2 * BODY_MAX_BYTES
const WRITE_BYTES = MIB

/** The data of an INSERT. The engine knows from the suffix of its file's name how it is packed. */
export interface InsertData {
  readonly bytes: AsyncIterable<Buffer>
  readonly suffix: '' | '.zst'
}

/**
 * Files that hold the data of running INSERTs. Data must never become part of a statement's text: the engine ends inline
 * data at an empty line and runs what follows as a statement.
 */
export class Spool {
  readonly #dir: string
  #count = 0

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** Makes the spool inside a data directory that this process has locked; removes what a killed process left there. */
  static async open(dataDir: string): Promise<Spool> {
    const dir = join(dataDir, 'spool')
    await rm(dir, { recursive: true, force: true })
    await mkdir(dir, { mode: 0o700 })
    return new Spool(dir)
  }

  /** Writes a body into a file of its own and returns its path; on failure no file is left. */
  async write({ bytes, suffix }: InsertData): Promise<string> {
    this.#count += 1
    const file = join(this.#dir, `${this.#count}${suffix}`)
    const handle = await open(file, 'wx', 0o600)
    try {
      await copy(bytes, handle)
    } catch (error) {
      await this.forget(file)
      throw isDiskFull(error) ? new ClickhouseError(243, 'NOT_ENOUGH_SPACE', 'The disk is full') : error
    } finally {
      await handle.close()
    }
    return file
  }

  /** Removes a file that no statement reads any more. */
  async forget(file: string): Promise<void> {
    await rm(file, { force: true })
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

async function copy(body: AsyncIterable<Buffer>, handle: FileHandle): Promise<void> {
  let chunks: Buffer[] = []
  let gathered = 0
  for await (const chunk of bounded(body)) {
    chunks.push(chunk)
    gathered += chunk.length
    if (gathered >= WRITE_BYTES) {
      await handle.writeFile(Buffer.concat(chunks))
      chunks = []
      gathered = 0
    }
  }
  if (gathered > 0) await handle.writeFile(Buffer.concat(chunks))
}

/**
 * Passes a body on up to the bound, then reads the rest without keeping it, because a client that is still sending would
 * not see the answer. @throws ClickhouseError 290 for a body above the bound.
 */
export async function* bounded(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let heard = 0
  for await (const chunk of body) {
    heard += chunk.length
    if (heard > BODY_HEARD_MAX_BYTES) break
    if (heard <= BODY_MAX_BYTES) yield chunk
  }
  if (heard > BODY_MAX_BYTES) {
    throw new ClickhouseError(290, 'LIMIT_EXCEEDED', `A request body is larger than ${BODY_MAX_BYTES} bytes.`)
  }
}

/** An INSERT whose data is read from a file: `head` and `tail` joined are the statement. */
export interface FileInsert {
  readonly head: string
  /** Empty for the form with input(). */
  readonly tail: string
}

/** Rewrites an INSERT so that it reads its data from a file. All places are byte offsets into `text` (latin1). */
export function readFromFile(
  text: string,
  statement: Extract<Statement, { kind: 'values' | 'input' }>,
  file: string,
): FileInsert {
  const utf8 = (start: number, end: number): string =>
    Buffer.from(text.slice(start, end), 'latin1').toString()
  const path = quoteString(file)
  if (statement.kind === 'values') {
    const { settings, targetEnd, format } = statement
    return {
      head: `${utf8(0, targetEnd)} FROM INFILE ${path}`,
      tail: ` ${utf8(settings.start, settings.end)} FORMAT ${format}`,
    }
  }
  const { call, format } = statement
  const structure = utf8(call.end - 1 - call.structure.length, call.end - 1).trim()
  const source = `file(${path}, ${quoteString(format)}${structure ? `, ${structure}` : ''})`
  return { head: `${utf8(0, call.start)}${source}${utf8(call.end, call.formatStart)}`, tail: '' }
}
