import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { Arrivals, noRoom } from './arrival.ts'
import { holderOf } from './caller.ts'
import type { InFlight } from './in-flight.ts'
import { Holding } from './shares.ts'
import type { Shares } from './shares.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request holds of the server's room. */
    holding: Holding
    /** Content types that its route takes. */
    mediaTypes: readonly string[]
  }
}

/** Takes the place of a body until it is read: every check that can refuse a request without its body comes first. */
const UNREAD = Symbol('unread body')

export interface BodiesParts {
  readonly clock: Clock
  /** The server's one bound for bodies. */
  readonly inFlight: InFlight
}

/** Reads bodies in those parts of an app that request it, all under one bound. */
export class Bodies {
  readonly #arrivals: Arrivals
  readonly #inFlight: InFlight

  /**
   * Create this once for an app, after its access and before its routes. A request for no route has been answered by
   * then, and bodies are read by `take` only.
   */
  constructor(app: FastifyInstance, { clock, inFlight }: BodiesParts) {
    const closing = new AbortController()
    this.#arrivals = new Arrivals(clock, closing.signal)
    this.#inFlight = inFlight
    app.addHook('onClose', async () => closing.abort())
    app.removeAllContentTypeParsers()
    app.decorateRequest('holding')
    app.decorateRequest('mediaTypes')
    app.addHook('onRequest', async (request, reply) => {
      const holding = new Holding(holderOf(request))
      request.holding = holding
      reply.raw.once('close', () => {
        const isDone = reply.raw.writableFinished && reply.statusCode < 300
        if (isDone) inFlight.answered(holding.of(inFlight.bytes))
        holding.end()
      })
    })
  }

  /** The shares of bytes, for what a route unpacks. */
  get bytes(): Shares {
    return this.#inFlight.bytes
  }

  /**
   * The routes that are registered in `app` from now on take bodies of these types up to this size (or the route's own),
   * as bytes.
   */
  take(
    app: FastifyInstance,
    {
      mediaTypes,
      suffix,
      sizeBytesMax,
    }: {
      readonly mediaTypes: readonly string[]
      /** Further types that are taken, and the name of them that a client gets. */
      readonly suffix?: { readonly pattern: RegExp; readonly name: string }
      readonly sizeBytesMax: number
    },
  ): void {
    const inFlight = this.#inFlight
    app.addContentTypeParser([...mediaTypes], (_request, _payload, done) => done(null, UNREAD))
    if (suffix !== undefined) {
      app.addContentTypeParser(suffix.pattern, (_request, _payload, done) => done(null, UNREAD))
    }
    const named = [...mediaTypes, ...(suffix === undefined ? [] : [suffix.name])]
    app.addHook('onRequest', async (request) => {
      const { method, holding } = request
      if (method === 'GET' || method === 'HEAD') return
      request.mediaTypes = named
      if (!holding.take(inFlight.requests, 1)) throw noRoom()
    })
    app.addHook('preValidation', async (request) => {
      if (request.body !== UNREAD) return
      request.body = await this.#read(request, request.routeOptions.config.bodyBytesMax ?? sizeBytesMax)
    })
  }

  async #read(request: FastifyRequest, sizeBytesMax: number): Promise<Buffer> {
    const { holding } = request
    const { bytes } = this.#inFlight
    const announcedBytes = announcedBytesOf(request)
    // A body for which there will be no room is refused before it is sent; only bytes that have arrived are charged.
    const isPossible = holding.hasRoom(bytes, Math.min(announcedBytes ?? 0, sizeBytesMax))
    if (!isPossible) throw noRoom()
    return await holding.during(() =>
      this.#arrivals.read(request.raw, {
        sizeBytesMax,
        announcedBytes,
        charge: (sizeBytes) => holding.take(bytes, sizeBytes),
      }),
    )
  }
}

function announcedBytesOf({ headers }: FastifyRequest): number | null {
  const announced = headers['content-length']
  return announced === undefined ? null : Number(announced)
}
