import { pipeline, Readable } from 'node:stream'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'
import type { FastifyReply } from 'fastify'
import { describeFailure } from './errors.ts'
import type { Answer } from './execute.ts'
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

/** Quick rather than small: the client is on this machine, and Node's own default for br takes seconds. */
const COMPRESS = {
  gzip: () => createGzip({ level: 1 }),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: createZstdCompress,
}

/** Sends a result, compressed if the request allows it. */
export function sendAnswer(
  reply: FastifyReply,
  answer: Answer,
  encoding: keyof typeof COMPRESS | undefined,
  elapsedMs: number,
): void {
  reply
    .header('x-clickhouse-format', answer.format)
    .header('x-clickhouse-summary', summary(answer, elapsedMs))
  reply.type(CONTENT_TYPES[answer.format] ?? 'text/plain; charset=UTF-8')
  if (answer.body instanceof ResultStream)
    reply.header('x-clickhouse-exception-tag', answer.body.exceptionTag)
  if (encoding === undefined || (Buffer.isBuffer(answer.body) && answer.body.length === 0)) {
    reply.send(answer.body)
    return
  }
  const source = Buffer.isBuffer(answer.body) ? Readable.from([answer.body]) : answer.body
  // Fastify destroys the last stream when the client leaves; the pipeline then destroys the source.
  reply.header('content-encoding', encoding).send(pipeline(source, COMPRESS[encoding](), () => {}))
}

/** The first encoding the client names that is known here; none unless it asks for compression at all. */
export function answerEncoding(
  query: URLSearchParams,
  accepted: string | undefined,
): keyof typeof COMPRESS | undefined {
  if (query.get('enable_http_compression') !== '1' || accepted === undefined) return undefined
  const names = accepted.split(',').map((name) => name.split(';', 1)[0]?.trim())
  return names.find(
    (name): name is keyof typeof COMPRESS => name !== undefined && Object.hasOwn(COMPRESS, name),
  )
}

/** Sends a failure in ClickHouse's form. */
export function sendFailure(reply: FastifyReply, error: unknown, version: string): void {
  const { code, status, message } = describeFailure(error, version)
  reply
    .code(status)
    .header('x-clickhouse-exception-code', String(code))
    .type('text/plain; charset=UTF-8')
    .send(message)
}

/** Of a streamed result nothing is known yet when the headers go out: zeros then. */
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
