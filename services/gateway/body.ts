import { promisify } from 'node:util'
import { gunzip, inflate, constants as zlib, zstdDecompress } from 'node:zlib'
import PQueue from 'p-queue'
import { Problem } from '../http/problem.ts'

/** Largest body, as received and again when unpacked. */
export const BODY_BYTES_MAX = 8 * 1_048_576

/** Bodies that are unpacked at once: each may take `BODY_BYTES_MAX`, and more threads there are not. */
const UNPACKING_MAX = 4

/** Frames that one body may consist of: each costs a call of zlib. */
const FRAMES_MAX = 64

/** A zstd frame may ask for a window of gigabytes; no body needs one larger than itself. */
const ZSTD_WINDOW_LOG_MAX = 23

const OUTPUT = { maxOutputLength: BODY_BYTES_MAX, chunkSize: 65_536, info: true }

/** What zlib gives with `info`, which its types do not know: how much of the input was read, beside the output. */
interface Unpacked {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

type Unpack = (body: Buffer) => Promise<unknown>

const gunzipped = promisify(gunzip)
const inflated = promisify(inflate)
const zstdDecompressed = promisify(zstdDecompress)

const UNPACK: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['gzip', (body) => gunzipped(body, OUTPUT)],
  ['x-gzip', (body) => gunzipped(body, OUTPUT)],
  ['deflate', (body) => inflated(body, OUTPUT)],
  [
    'zstd',
    (body) =>
      zstdDecompressed(body, { ...OUTPUT, params: { [zlib.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }),
  ],
])

/** What `Accept-Encoding` says of a request's body (RFC 9110, 12.5.3). */
const ACCEPTED_CODINGS = 'gzip, deflate, zstd, identity'

/** Unpacks bodies, a bounded number at once and to a bounded size. */
export class Unpacker {
  readonly #queue = new PQueue({ concurrency: UNPACKING_MAX })

  /**
   * The body without its content coding. Throws a Problem: 415 for another coding, 413 above 8 MiB, 400 for a body
   * that is not what its coding says.
   */
  async unpack(body: Buffer, contentEncoding: string | undefined): Promise<Buffer> {
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
    return await this.#queue.add(async () => await unpackBounded(unpack, body, coding))
  }
}

async function unpackBounded(unpack: Unpack, body: Buffer, coding: string): Promise<Buffer> {
  const frames: Buffer[] = []
  let unpackedBytes = 0
  let rest = body
  try {
    do {
      // zlib stops after the first frame; a client that streams zstd ends with an empty second one.
      const { buffer, engine } = (await unpack(rest)) as Unpacked
      if (engine.bytesWritten === 0) throw new Error(`${rest.length} bytes follow its end`)
      unpackedBytes += buffer.length
      if (unpackedBytes > BODY_BYTES_MAX) throw tooLarge()
      frames.push(buffer)
      rest = rest.subarray(engine.bytesWritten)
    } while (rest.length > 0 && frames.length < FRAMES_MAX)
  } catch (error) {
    if (error instanceof Problem) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Problem('unreadable_body', `The body is not ${coding}: ${reason}.`)
  }
  if (rest.length > 0) throw new Problem('unreadable_body', `The body has more than ${FRAMES_MAX} frames.`)
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames)
}

/** More than `BODY_BYTES_MAX`, packed or unpacked. */
export function tooLarge(): Problem {
  return new Problem(
    'body_too_large',
    `A body has at most ${BODY_BYTES_MAX} bytes, also after unpacking. Send the events in several requests.`,
  )
}
