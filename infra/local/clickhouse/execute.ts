import type { Admission } from './admission.ts'
import { describedTypes } from './describe.ts'
import type { Engine } from './engine.ts'
import { ClickhouseError } from './errors.ts'
import type { Gate } from './gate.ts'
import type { Connection } from './native.ts'
import type { StatementRequest } from './request.ts'
import { inVersion, lacksZones, protocolVersion } from './revision.ts'
import { noteSessionState, type Sessions } from './session.ts'
import { prepareConnection, requestSettings } from './settings.ts'
import { readFromFile, type Spool } from './spool.ts'
import { isStreamable, openResult, ResultStream } from './stream.ts'
import { MIB } from '../../../schemas/units.ts'

/** Result bytes of a read that is not streamed (measured: it costs about five times that in memory). */
const BUFFERED_RESULT_MAX_BYTES = 128 * MIB

/** The parts of the server; one of each in a process. */
export interface Parts {
  readonly engine: Engine
  readonly spool: Spool
  readonly sessions: Sessions
  readonly admission: Admission
  readonly gate: Gate
  /** Ids of the statements under way. */
  readonly queryIds: Set<string>
}

/** The caller of a statement, and when to give up: reads at once, writes only when the process must end. */
export interface Caller {
  readonly queryId: string
  readonly readOnly: boolean
  readonly cancelRead: AbortSignal
  readonly cancelWrite: AbortSignal
}

/** What to answer: the whole result, or a stream of it that gives everything back when it ends. */
export interface Answer {
  readonly body: Buffer | ResultStream
  readonly format: string
  readonly rowsRead: number
  readonly bytesRead: number
  readonly rowsWritten: number
  readonly bytesWritten: number
}

/**
 * Runs one statement on a connection that nothing else uses.
 * Everything that it takes (id, place, file, connection) is given back before it returns; for a stream, when the stream ends.
 */
export async function execute(parts: Parts, request: StatementRequest, caller: Caller): Promise<Answer> {
  const { engine } = parts
  const { query, statement } = request
  const version = protocolVersion(query.get('client_protocol_version'))
  const head = Buffer.from(request.text, 'latin1').toString()
  const { reads, evaluates, facts } = await parts.gate.admit(request, caller.readOnly)
  const cancel = reads ? caller.cancelRead : caller.cancelWrite

  await using held = new AsyncDisposableStack()
  takeQueryId(parts.queryIds, caller.queryId, held)
  const file = request.data === undefined ? undefined : await parts.spool.write(request.data)
  if (file !== undefined) held.defer(() => parts.spool.forget(file))
  held.defer(await parts.admission.acquire(cancel))

  const defaultFormat = query.get('default_format') ?? 'TabSeparated'
  const format = (statement.kind === 'text' && statement.format) || defaultFormat
  const inSession = query.has('session_id')
  const streams =
    reads &&
    !inSession &&
    statement.kind === 'text' &&
    statement.streams &&
    isStreamable(format) &&
    query.get('wait_end_of_query') !== '1'
  const settings = requestSettings(query)
  settings.set('log_comment', caller.queryId)
  // Data must not hold statements: in VALUES any function could occur.
  settings.set('input_format_values_interpret_expressions', evaluates ? '1' : '0')
  if (reads && !streams && !settings.has('max_result_bytes'))
    settings.set('max_result_bytes', String(BUFFERED_RESULT_MAX_BYTES))
  const connection = await connect(parts, query, settings, held)
  await parts.gate.judge(connection, request, facts, settings)
  cancelOn(engine, cancel, caller.queryId, held)

  if (streams) {
    const result = await openResult(engine, connection, head, format)
    if (result.done) return answer({ body: result.first, format })
    const rest = held.move()
    return answer({ body: new ResultStream(engine, result, () => rest.disposeAsync()), format })
  }
  if (file !== undefined && (statement.kind === 'values' || statement.kind === 'input')) {
    const insert = readFromFile(request.text, statement, file)
    if (insert.tail) {
      // Only this call returns how many rows were written, including those of views.
      const { rowsWritten, bytesWritten } = await engine.addon.InsertRawAsyncConnection(
        connection,
        insert.head,
        Buffer.from(insert.tail),
        false,
      )
      return answer({ body: Buffer.alloc(0), format, rowsWritten, bytesWritten })
    }
    await engine.addon.QueryAsyncConnection(connection, insert.head, format)
    return answer({ body: Buffer.alloc(0), format })
  }
  const { bytes, rowsRead, bytesRead } = await engine.addon.QueryAsyncConnection(
    connection,
    head,
    defaultFormat,
  )
  const body = Buffer.from(bytes)
  if (format.toLowerCase() !== 'native') return answer({ body, format, rowsRead, bytesRead })
  const types = lacksZones(body, version)
    ? await describedTypes(engine, connection, request.text, statement)
    : []
  return answer({ body: inVersion(body, version, types), format, rowsRead, bytesRead })
}

function answer(known: Pick<Answer, 'body' | 'format'> & Partial<Answer>): Answer {
  return { rowsRead: 0, bytesRead: 0, rowsWritten: 0, bytesWritten: 0, ...known }
}

function takeQueryId(queryIds: Set<string>, id: string, held: AsyncDisposableStack): void {
  if (queryIds.has(id)) {
    throw new ClickhouseError(
      216,
      'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
      `Query with id = ${id} is already running.`,
    )
  }
  queryIds.add(id)
  held.defer(() => {
    queryIds.delete(id)
  })
}

/** A connection in the state that the request needs: one of its own, or that of its session. */
async function connect(
  parts: Parts,
  query: URLSearchParams,
  settings: ReadonlyMap<string, string>,
  held: AsyncDisposableStack,
): Promise<Connection> {
  const { engine } = parts
  const run = (on: Connection, sql: string) => engine.addon.QueryAsyncConnection(on, sql, 'Null')
  const database = query.get('database')
  const sessionId = query.get('session_id')
  if (sessionId === null) {
    const connection = engine.connect()
    held.defer(() => engine.disconnect(connection))
    await run(connection, prepareConnection(settings, database))
    return connection
  }
  const hold = parts.sessions.hold(sessionId, query)
  held.defer(() => hold.release())
  const undo = await noteSessionState(engine, hold.connection, settings.keys(), database)
  held.defer(async () => {
    await run(hold.connection, undo)
  })
  await run(hold.connection, prepareConnection(settings, database))
  return hold.connection
}

function cancelOn(engine: Engine, cancel: AbortSignal, tag: string, held: AsyncDisposableStack): void {
  cancel.throwIfAborted()
  const ended = new AbortController()
  held.defer(() => ended.abort())
  cancel.addEventListener('abort', () => engine.cancel(tag, ended.signal), {
    once: true,
    signal: ended.signal,
  })
}
