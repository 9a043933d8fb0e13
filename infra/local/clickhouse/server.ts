import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { foreignProblem } from '../../../services/http/foreign.ts'
import { BROKEN_PART, ClickhouseError, describeFailure } from './errors.ts'
import { type Answer, execute, type Parts } from './execute.ts'
import { Outlet } from './outlet.ts'
import { progressIntervalMs, tellProgress } from './progress.ts'
import { type StatementRequest, readRequest } from './request.ts'
import { packingOf, sendAnswer, sendFailure, UNPACKED } from './response.ts'
import { MIB } from '../../../schemas/units.ts'

/** Parameters may be in the URL; a server accepts 1 MiB of it as well. */
const HEADER_MAX_BYTES = MIB
/** Above the client's idle time of 2.5 s, so that the client is the one that closes an idle connection. */
const KEEP_ALIVE_MS = 10_000
/** After a stop, writes under way may end by themselves for this long. */
const WRITE_GRACE_MS = 2_500
/** Then they are cancelled, and have this long to end. */
const CANCEL_GRACE_MS = 1_500
/** Then all connections are closed, which ends what waits for a client. */
const CLOSED_GRACE_MS = 500

/** ClickHouse's HTTP interface over the engine in this process. */
export class Server {
  /** Resolves with the engine's message when a part on the disk turned out to be broken: the process must start anew. */
  readonly broken: Promise<string>
  readonly #reportBroken: (message: string) => void
  readonly #parts: Parts
  readonly #password: string
  readonly #app: FastifyInstance
  readonly #stopReads = new AbortController()
  readonly #stopWrites = new AbortController()

  /** @param password of the one user; empty for none. */
  constructor(parts: Parts, password: string) {
    this.#parts = parts
    this.#password = password
    const { promise, resolve } = Promise.withResolvers<string>()
    this.broken = promise
    this.#reportBroken = resolve
    this.#app = Fastify({
      logger: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      http: { maxHeaderSize: HEADER_MAX_BYTES },
    })
    // A web page that is open on this machine may send requests here as well; our own clients are never web pages.
    this.#app.addHook('onRequest', async (request, reply) => {
      const problem = foreignProblem(request.headers)
      if (problem === undefined) return
      const error = new ClickhouseError(497, 'ACCESS_DENIED', problem)
      reply.hijack()
      await sendFailure(new Outlet(reply.raw), {}, error, this.#parts.engine.version, UNPACKED)
    })
    // Bodies stay streams: their size is bounded where they are read.
    this.#app.removeAllContentTypeParsers()
    this.#app.addContentTypeParser('*', (_request, _body, done) => done(null))
    this.#app.get('/ping', async (_request, reply) => reply.type('text/html; charset=UTF-8').send('Ok.\n'))
    this.#app.get('/replicas_status', async (_request, reply) => reply.type('text/plain').send('Ok.\n'))
    this.#app.route({
      method: ['GET', 'POST'],
      url: '/',
      handler: (request, reply) => {
        void this.#handle(request, reply)
      },
    })
  }

  /** Starts to listen. Rejects with code EADDRINUSE if the port is taken. */
  async listen(host: string, port: number): Promise<void> {
    await this.#app.listen({ host, port })
  }

  /**
   * Stops in order: no new requests; reads are cancelled; writes may end within a grace time and are cancelled after it.
   * @returns false if a statement would not end within the three grace times together.
   */
  async stop(): Promise<boolean> {
    const closed = this.#app.close()
    const reason = new ClickhouseError(236, 'ABORTED', 'The server is stopping.')
    this.#stopReads.abort(reason)
    let idle = await this.#parts.admission.idle(WRITE_GRACE_MS)
    if (!idle) {
      this.#stopWrites.abort(reason)
      idle = await this.#parts.admission.idle(CANCEL_GRACE_MS)
    }
    // Frees what waits for a client that does not send, or does not read.
    this.#app.server.closeAllConnections()
    await closed
    return idle || (await this.#parts.admission.idle(CLOSED_GRACE_MS))
  }

  /** Answers in any case; never rejects. */
  async #handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const startedMs = performance.now()
    const { engine, admission } = this.#parts
    // After this line the answer is written by us: some of it may have to be sent before its headers are known.
    reply.hijack()
    const { raw } = reply
    const outlet = new Outlet(raw)
    const headers: Record<string, string> = {
      'X-ClickHouse-Server-Display-Name': 'hivemeter-local',
      'X-ClickHouse-Timezone': engine.timezone,
    }
    let packing = UNPACKED
    try {
      const leave = admission.enter()
      raw.once('close', leave)
      const parsed = await readRequest(request.raw, this.#password)
      packing = packingOf(parsed.query, request.headers['accept-encoding'])
      const queryId = parsed.query.get('query_id') || randomUUID()
      headers['X-ClickHouse-Query-Id'] = queryId
      const answer = await this.#execute(parsed, queryId, request.method !== 'POST', outlet, raw)
      await sendAnswer(outlet, headers, answer, packing, performance.now() - startedMs)
    } catch (error) {
      await sendFailure(outlet, headers, error, engine.version, packing)
      const { code, message } = describeFailure(error, engine.version)
      if (code === BROKEN_PART) this.#reportBroken(message.trim())
    }
  }

  /** Runs the statement, and reports its progress meanwhile if the request wants that. */
  async #execute(
    parsed: StatementRequest,
    queryId: string,
    readOnly: boolean,
    outlet: Outlet,
    raw: ServerResponse,
  ): Promise<Answer> {
    const ended = new AbortController()
    const intervalMs = progressIntervalMs(parsed.query)
    if (intervalMs !== undefined) {
      const tell = (progress: string): void => outlet.tellProgress(progress)
      void tellProgress(this.#parts.engine, queryId, intervalMs, tell, ended.signal)
    }
    try {
      return await execute(this.#parts, parsed, {
        queryId,
        readOnly,
        cancelRead: AbortSignal.any([this.#stopReads.signal, clientGone(raw)]),
        cancelWrite: this.#stopWrites.signal,
      })
    } finally {
      ended.abort()
    }
  }
}

/** Aborts when the connection closes before the whole answer is out. */
function clientGone(raw: ServerResponse): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort(new ClickhouseError(394, 'QUERY_WAS_CANCELLED', 'The client left.'))
  })
  if (raw.destroyed) gone.abort(new ClickhouseError(394, 'QUERY_WAS_CANCELLED', 'The client left.'))
  return gone.signal
}
