import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { ClickhouseError } from './errors.ts'
import { unframed } from './frames.ts'
import { bounded, type InsertData } from './spool.ts'
import { readStatement, type Statement } from './statement.ts'

/** A request for one statement. Places in `statement` are offsets into `text`, which is latin1. */
export interface StatementRequest {
  readonly query: URLSearchParams
  /** The statement alone, up to where its data begins. */
  readonly text: string
  readonly statement: Statement
  /** The data of an INSERT, not read yet; undefined for a statement without data. */
  readonly data: InsertData | undefined
  /** The same data as text, where it came in one piece with its statement. */
  readonly values: string | undefined
}

const USER = 'default'
const DECOMPRESS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/**
 * Reads the statement and finds its data. Where the statement is in the URL, its data stays in the stream; a body that
 * holds the statement too is read whole.
 * @param password of the one user; empty for none.
 * @throws ClickhouseError for a wrong login, a body that is too large, or a statement that cannot be taken apart.
 */
export async function readRequest(message: IncomingMessage, password: string): Promise<StatementRequest> {
  const query = new URL(message.url ?? '/', 'http://local').searchParams
  authenticate(message, query, password)
  refuseRoles(query)
  takeHeaders(message, query)
  const inFrames = query.get('decompress') === '1'
  let body: AsyncIterable<Buffer> = inFrames ? unframed(decompressed(message)) : decompressed(message)
  const contentType = message.headers['content-type'] ?? ''
  if (/^multipart\/form-data\b/i.test(contentType)) {
    await readForm(await collect(body), contentType, query)
    body = nothing()
  }
  const inUrl = query.get('query')
  if (inUrl?.trim()) {
    const text = latin1(inUrl)
    const statement = readStatement(text)
    if (statement.kind === 'values' || statement.kind === 'input') {
      const begun = Buffer.from(text.slice(statement.dataStart), 'latin1')
      return {
        query,
        text: text.slice(0, statement.dataStart),
        statement,
        data: dataOf(inFrames ? undefined : message, begun, body),
        values: undefined,
      }
    }
    const rest = await collect(body)
    return rest.length === 0
      ? checked(query, text, statement)
      : readWhole(query, `${text}\n${rest.toString('latin1')}`)
  }
  return readWhole(query, (await collect(body)).toString('latin1'))
}

/**
 * The data that follows a statement in the URL; the URL may hold the beginning of it. Data in zstd is left to the engine.
 * @param message undefined where its body has more layers of packing than its Content-Encoding.
 */
function dataOf(
  message: IncomingMessage | undefined,
  begun: Buffer,
  body: AsyncIterable<Buffer>,
): InsertData {
  if (begun.toString('latin1').trim() !== '')
    return { bytes: joined(Buffer.concat([begun, Buffer.from('\n')]), body), suffix: '' }
  return message?.headers['content-encoding'] === 'zstd'
    ? { bytes: message, suffix: '.zst' }
    : { bytes: body, suffix: '' }
}

function readWhole(query: URLSearchParams, text: string): StatementRequest {
  const statement = readStatement(text)
  if (statement.kind !== 'values' && statement.kind !== 'input') return checked(query, text, statement)
  const values = text.slice(statement.dataStart)
  const bytes = joined(Buffer.from(values, 'latin1'), nothing())
  const data: InsertData = { bytes, suffix: '' }
  return { query, text: text.slice(0, statement.dataStart), statement, data, values }
}

function checked(query: URLSearchParams, text: string, statement: Statement): StatementRequest {
  if (!text.trim()) throw new ClickhouseError(62, 'SYNTAX_ERROR', 'Syntax error: Empty query')
  if (statement.kind === 'unclear') {
    throw new ClickhouseError(
      62,
      'SYNTAX_ERROR',
      'Syntax error: an INSERT needs a table, then VALUES, FORMAT or SELECT',
    )
  }
  return { query, text, statement, data: undefined, values: undefined }
}

/** There is one user; without a password where none was made, as in tests. */
function authenticate(message: IncomingMessage, query: URLSearchParams, password: string): void {
  let user = single(message.headers['x-clickhouse-user']) ?? query.get('user')
  let given = single(message.headers['x-clickhouse-key']) ?? query.get('password')
  const basic = /^Basic\s+(.+)$/i.exec(message.headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    const [name = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':')
    user = name
    given = rest.join(':')
  }
  if ((user || USER) === USER && isSame(given ?? '', password)) return
  throw new ClickhouseError(
    516,
    'AUTHENTICATION_FAILED',
    `${user || USER}: Authentication failed: password is incorrect, or there is no user with such name. ` +
      `The local ClickHouse knows the user '${USER}' only; npm start keeps its password in the data folder.`,
  )
}

/**
 * This engine has no access control, so no role exists; a client that wants to restrict its rights must not get them all.
 */
function refuseRoles(query: URLSearchParams): void {
  const role = query.getAll('role').find((name) => name !== '')
  if (role === undefined) return
  throw new ClickhouseError(
    511,
    'UNKNOWN_ROLE',
    `There is no role \`${role}\` in user directories: the local ClickHouse has no roles.`,
  )
}

/** What drivers send in headers counts where the URL does not set it. */
function takeHeaders(message: IncomingMessage, query: URLSearchParams): void {
  for (const [header, parameter] of [
    ['x-clickhouse-database', 'database'],
    ['x-clickhouse-format', 'default_format'],
  ] as const) {
    const value = single(message.headers[header])
    // Node reads headers as latin1; names of databases are UTF-8.
    if (value && !query.get(parameter)) query.set(parameter, Buffer.from(value, 'latin1').toString())
  }
}

/** Takes the same time however much of it was right. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

/** Nothing is unpacked before the stream is read. */
async function* decompressed(message: IncomingMessage): AsyncGenerator<Buffer, undefined> {
  const encoding = message.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') {
    yield* message
    return
  }
  const decompress = DECOMPRESS[encoding]
  if (!decompress) throw new ClickhouseError(36, 'BAD_ARGUMENTS', `Unknown Content-Encoding: ${encoding}.`)
  // The reader of the last stream gets the errors of all streams before it.
  yield* pipeline(message, decompress(), () => {})
}

/** Query and parameters may come as a form, where a URL would be too long for them. */
async function readForm(
  body: Buffer<ArrayBuffer>,
  contentType: string,
  query: URLSearchParams,
): Promise<void> {
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData()
  for (const [name, value] of form) {
    if (typeof value !== 'string') {
      throw new ClickhouseError(
        36,
        'BAD_ARGUMENTS',
        `External tables are not supported: part ${name} is a file.`,
      )
    }
    query.set(name, value)
  }
}

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of bounded(body)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* joined(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  yield first
  yield* rest
}

async function* nothing(): AsyncGenerator<Buffer, undefined> {}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
