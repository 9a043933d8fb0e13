import { promisify } from 'node:util'
import { gunzip, inflate, constants as zlib, zstdDecompress } from 'node:zlib'
import PQueue from 'p-queue'
import { bodyTooLarge, noRoom } from '../http/arrival.ts'
import { Problem } from '../http/problem.ts'
import { MIB } from '../../schemas/units.ts'

/** Largest body of events, as received and again when unpacked. */
export const BODY_BYTES_MAX = 8 * MIB

/** Bodies that are unpacked at once: each may take `BODY_BYTES_MAX`, and there are no more threads than these. */
const UNPACKING_MAX = 4

/** Frames that one body may consist of: each costs a call of zlib. */
const FRAMES_MAX = 64

/** A zstd frame may request a window of gigabytes; no body needs a window that is larger than itself. */
const ZSTD_WINDOW_LOG_MAX = 23

const OUTPUT = { chunkSize: 65_536, info: true }

const ZSTD = { params: { [zlib.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }

/** What zlib returns with `info`, which its types do not know: the number of input bytes that were read, with the output. */
interface Unpacked {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

type Unpack = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<unknown>

const gunzipped = promisify(gunzip)
const inflated = promisify(inflate)
const zstdDecompressed = promisify(zstdDecompress)

const UNPACK: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['gzip', (body, options) => gunzipped(body, { ...OUTPUT, ...options })],
  ['x-gzip', (body, options) => gunzipped(body, { ...OUTPUT, ...options })],
  ['deflate', (body, options) => inflated(body, { ...OUTPUT, ...options })],
  ['zstd', (body, options) => zstdDecompressed(body, { ...OUTPUT, ...ZSTD, ...options })],
])

/** The value of `Accept-Encoding` for a request's body (RFC 9110, 12.5.3). */
const ACCEPTED_CODINGS = 'gzip, deflate, zstd, identity'

/** The holder for whom a body is unpacked, and how large it may become. */
export interface UnpackTerms {
  readonly holder: string
  readonly sizeBytesMax: number
  /** Takes room for the unpacked bytes; false where there is none. */
  charge(sizeBytes: number): boolean
}

/** Unpacks bodies, a bounded number at once and to a bounded size; credentials take turns. */
export class Unpacker {
  readonly #queue = new PQueue({ concurrency: UNPACKING_MAX })
  /** Bodies of each holder that wait or are being unpacked. */
  readonly #waiting = new Map<string, number>()

  /**
   * The body without its content coding. Throws a Problem: 415 for another coding, 413 above the terms' size, 400 for a
   * body that its coding does not fit, 503 where there is no room for it.
   */
  async unpack(body: Buffer, contentEncoding: string | undefined, terms: UnpackTerms): Promise<Buffer> {
    const coding = (contentEncoding ?? 'identity').trim().toLowerCase()
    if (coding === 'identity' || coding === '') return body
    const unpack = UNPACK.get(coding)
    if (unpack === undefined) {
      throw new Problem(
        'unsupported_encoding',
        `Content-Encoding must be one of ${ACCEPTED_CODINGS}.`,
        {},
        {
          'accept-encoding': ACCEPTED_CODINGS,
        },
      )
    }
    const unpacked = await this.#inTurn(terms.holder, () => unpackBounded(unpack, body, coding, terms))
    if (!terms.charge(unpacked.length)) throw noRoom()
    return unpacked
  }

  /** Each body of a holder that has many here waits behind the bodies of holders that have fewer. */
  async #inTurn(holder: string, work: () => Promise<Buffer>): Promise<Buffer> {
    const before = this.#waiting.get(holder) ?? 0
    this.#waiting.set(holder, before + 1)
    try {
      return await this.#queue.add(work, { priority: -before })
    } finally {
      const left = (this.#waiting.get(holder) ?? 0) - 1
      if (left > 0) this.#waiting.set(holder, left)
      else this.#waiting.delete(holder)
    }
  }
}

async function unpackBounded(
  unpack: Unpack,
  body: Buffer,
  coding: string,
  { sizeBytesMax }: UnpackTerms,
): Promise<Buffer> {
  const frames: Buffer[] = []
  let unpackedBytes = 0
  let rest = body
  try {
    do {
      // zlib stops after the first frame; a client that streams zstd ends with an empty second one.
      const { buffer, engine } = (await unpack(rest, { maxOutputLength: sizeBytesMax })) as Unpacked
      if (engine.bytesWritten === 0) throw new Error(`${rest.length} bytes follow its end`)
      unpackedBytes += buffer.length
      if (unpackedBytes > sizeBytesMax) throw bodyTooLarge(sizeBytesMax)
      frames.push(buffer)
      rest = rest.subarray(engine.bytesWritten)
    } while (rest.length > 0 && frames.length < FRAMES_MAX)
  } catch (error) {
    if (error instanceof Problem) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
      throw bodyTooLarge(sizeBytesMax)
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem('unreadable_body', `The body is not ${coding}: ${reason}.`)
  }
  if (rest.length > 0) throw new Problem('unreadable_body', `The body has more than ${FRAMES_MAX} frames.`)
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames)
}
