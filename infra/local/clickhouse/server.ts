import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { foreignProblem } from '../../../services/http/foreign.ts'
import { BROKEN_PART, ClickhouseError, describeFailure } from './errors.ts'
import { execute, type Parts } from './execute.ts'
import { readRequest } from './request.ts'
import { answerEncoding, sendAnswer, sendFailure } from './response.ts'

/** Parameters may stand in the URL; a server takes 1 MiB of it as well. */
const HEADER_MAX_BYTES = 1024 ** 2
/** Above the client's idle time of 2.5 s, so that it is the client who closes an idle connection. */
const KEEP_ALIVE_MS = 10_000
/** Writes under way may end by themselves for this long after a stop. */
const WRITE_GRACE_MS = 2_500
/** Then they are cancelled, and have this long. */
const CANCEL_GRACE_MS = 1_500
/** Then all connections are closed, which ends what waits for a client. */
const CLOSED_GRACE_MS = 500

/** ClickHouse's HTTP interface over the engine in this process. */
export class Server {
  /** Resolves with the engine's words when a part on the disk turned out to be broken: the process must start anew. */
  readonly broken: Promise<string>
  readonly #sayBroken: (message: string) => void
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
    this.#sayBroken = resolve
    this.#app = Fastify({
      logger: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      http: { maxHeaderSize: HEADER_MAX_BYTES },
    })
    // A web page that is open on this machine may send requests here as well; no client of ours is one.
    this.#app.addHook('onRequest', async (request, reply) => {
      const problem = foreignProblem(request.headers)
      if (problem === undefined) return
      const error = new ClickhouseError(497, 'ACCESS_DENIED', problem)
      sendFailure(reply, error, this.#parts.engine.version)
      await reply
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
   * Stops in order: no new requests, reads are cancelled, writes may end within a grace time and are cancelled then.
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
    reply.header('x-clickhouse-server-display-name', 'hivemeter-local')
    reply.header('x-clickhouse-timezone', engine.timezone)
    try {
      const leave = admission.enter()
      reply.raw.once('close', leave)
      const asked = await readRequest(request.raw, this.#password)
      const queryId = asked.query.get('query_id') || randomUUID()
      reply.header('x-clickhouse-query-id', queryId)
      const answer = await execute(this.#parts, asked, {
        queryId,
        readOnly: request.method === 'GET',
        cancelRead: AbortSignal.any([this.#stopReads.signal, clientGone(reply)]),
        cancelWrite: this.#stopWrites.signal,
      })
      const encoding = answerEncoding(asked.query, request.headers['accept-encoding'])
      sendAnswer(reply, answer, encoding, performance.now() - startedMs)
    } catch (error) {
      sendFailure(reply, error, engine.version)
      const { code, message } = describeFailure(error, engine.version)
      if (code === BROKEN_PART) this.#sayBroken(message.trim())
    }
  }
}

/** Aborts when the connection closes before the whole answer is out. */
function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished)
      gone.abort(new ClickhouseError(394, 'QUERY_WAS_CANCELLED', 'The client left.'))
  })
  if (reply.raw.destroyed) gone.abort(new ClickhouseError(394, 'QUERY_WAS_CANCELLED', 'The client left.'))
  return gone.signal
}
