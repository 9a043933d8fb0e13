import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** What a driver sent, without the body. */
export interface Recorded {
  readonly method: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
}

/** A proxy between a driver and the server: it passes everything on as it comes, and records the driver's requests. */
export class RecordingProxy {
  readonly requests: Recorded[] = []
  readonly #server: Server
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((incoming, answer) => {
      // A connection that breaks on one side must break on the other.
      this.#pass(incoming, answer).catch(() => answer.destroy())
    })
  }

  static async start(target: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** Host and port. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.#target)
    this.requests.push({
      method: incoming.method ?? '',
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
    })
    const passed = request(url, {
      method: incoming.method ?? 'GET',
      headers: { ...incoming.headers, host: url.host, connection: 'close' },
    })
    const answered = once(passed, 'response') as Promise<[IncomingMessage]>
    const [[response]] = await Promise.all([answered, pipeline(incoming, passed)])
    answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
    await pipeline(response, answer)
  }
}
