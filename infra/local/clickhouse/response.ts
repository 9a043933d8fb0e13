import { type Duplex, Readable } from 'node:stream'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'
import { describeFailure } from './errors.ts'
import type { Answer } from './execute.ts'
import { type FrameMethod, frameMethod, frameOf, framing } from './frames.ts'
import type { Outlet } from './outlet.ts'
import { ResultStream } from './stream.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=UTF-8',
  JSONCompact: 'application/json; charset=UTF-8',
  JSONStrings: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
  Parquet: 'application/octet-stream',
  RowBinary: 'application/octet-stream',
  Native: 'application/octet-stream',
  Prometheus: 'text/plain; version=0.0.4; charset=UTF-8',
}
const TEXT = 'text/plain; charset=UTF-8'

/** Fast rather than small: the client is on this machine, and Node's own default for br takes seconds. */
const COMPRESS = {
  gzip: () => createGzip({ level: 1 }),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: createZstdCompress,
}

/** How a client wants its answer packed: in ClickHouse's own frames, in an encoding of HTTP, in both or not at all. */
export interface Packing {
  readonly frames: FrameMethod | undefined
  readonly encoding: keyof typeof COMPRESS | undefined
}

/** Used until a request is read: before that its packing is not known. */
export const UNPACKED: Packing = { frames: undefined, encoding: undefined }

/** The packing that a request names. @param accepted its Accept-Encoding, which counts only where the request enables it. */
export function packingOf(query: URLSearchParams, accepted: string | undefined): Packing {
  return {
    frames: query.get('compress') === '1' ? frameMethod(query.get('network_compression_method')) : undefined,
    encoding: query.get('enable_http_compression') === '1' ? encodingOf(accepted) : undefined,
  }
}

/** The first encoding that the client names and that is known here. */
function encodingOf(accepted: string | undefined): keyof typeof COMPRESS | undefined {
  const names = (accepted ?? '').split(',').map((name) => name.split(';', 1)[0]?.trim())
  return names.find(
    (name): name is keyof typeof COMPRESS => name !== undefined && Object.hasOwn(COMPRESS, name),
  )
}

/** Sends a result; resolves when it is out, or the client gone. */
export async function sendAnswer(
  outlet: Outlet,
  known: Readonly<Record<string, string>>,
  answer: Answer,
  packing: Packing,
  elapsedMs: number,
): Promise<void> {
  const { body, format } = answer
  const headers: Record<string, string> = {
    ...known,
    'X-ClickHouse-Format': format,
    'X-ClickHouse-Summary': summary(answer, elapsedMs),
    'Content-Type': CONTENT_TYPES[format] ?? TEXT,
  }
  if (body instanceof ResultStream) headers['X-ClickHouse-Exception-Tag'] = body.exceptionTag
  const { frames, encoding } = packing
  const isPacked = frames !== undefined || encoding !== undefined
  if (Buffer.isBuffer(body) && (!isPacked || body.length === 0)) {
    outlet.end(200, headers, body)
    return
  }
  const steps: Duplex[] = []
  if (frames !== undefined) steps.push(framing(frames))
  if (encoding !== undefined) {
    headers['Content-Encoding'] = encoding
    steps.push(COMPRESS[encoding]())
  }
  await outlet.stream(headers, Buffer.isBuffer(body) ? Readable.from([body]) : body, steps)
}

/** Sends a failure in ClickHouse's form. */
export async function sendFailure(
  outlet: Outlet,
  known: Readonly<Record<string, string>>,
  error: unknown,
  version: string,
  packing: Packing,
): Promise<void> {
  const { code, status, message } = describeFailure(error, version)
  const text = Buffer.from(message)
  // Drivers that requested frames expect them in every answer except a refusal of their login.
  const isPlain = packing.frames === undefined || status === 401 || status === 403
  outlet.end(
    status,
    { ...known, 'X-ClickHouse-Exception-Code': String(code), 'Content-Type': TEXT },
    isPlain ? text : await frameOf(text, packing.frames),
  )
}

/** For a streamed result nothing is known yet when the headers are sent: they have zeros then. */
function summary(answer: Answer, elapsedMs: number): string {
  const { rowsRead, bytesRead, rowsWritten, bytesWritten, body } = answer
  return JSON.stringify({
    read_rows: String(rowsRead),
    read_bytes: String(bytesRead),
    written_rows: String(rowsWritten),
    written_bytes: String(bytesWritten),
    total_rows_to_read: '0',
    result_rows: String(rowsRead),
    result_bytes: String(Buffer.isBuffer(body) ? body.length : 0),
    elapsed_ns: String(Math.round(elapsedMs * 1e6)),
  })
}
