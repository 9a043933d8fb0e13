import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** What a driver sent, its body apart. */
export interface Recorded {
  readonly method: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
}

/** Stands between a driver and the server, passes everything on as it comes, and notes what the driver asks for. */
export class RecordingProxy {
  readonly requests: Recorded[] = []
  readonly #server: Server
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((asked, answer) => {
      // What breaks off on one side has to break off on the other.
      this.#pass(asked, answer).catch(() => answer.destroy())
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

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? '/', this.#target)
    this.requests.push({
      method: asked.method ?? '',
      query: Object.fromEntries(url.searchParams),
      headers: asked.headers,
    })
    const passed = request(url, {
      method: asked.method ?? 'GET',
      headers: { ...asked.headers, host: url.host, connection: 'close' },
    })
    const answered = once(passed, 'response') as Promise<[IncomingMessage]>
    const [[response]] = await Promise.all([answered, pipeline(asked, passed)])
    answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
    await pipeline(response, answer)
  }
}
