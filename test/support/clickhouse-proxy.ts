import { createServer, request } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { once } from 'node:events'

/** Called for every INSERT with its table and its token. What it waits for, the INSERT waits for. */
export type InsertHook = (table: string, token: string) => void | Promise<void>

/** Stands between a service and ClickHouse, so that a test can act at a chosen point of a chosen INSERT. */
export class ClickhouseProxy {
  readonly url: string
  /** Before the server sees the INSERT. */
  onInsert: InsertHook | undefined
  /** When the server has it whole, and has not answered yet. */
  onSent: InsertHook | undefined
  /** When the server has acknowledged it, and the service does not know yet. */
  onAcknowledged: InsertHook | undefined
  readonly #target: string
  readonly #server: Server

  private constructor(target: string, port: number) {
    this.#target = target
    this.url = `http://127.0.0.1:${port}`
    this.#server = createServer((asked, answer) => {
      // Either side may be killed at any time: that is what this is for.
      this.#pass(asked, answer).catch(() => answer.destroy())
    })
  }

  static async start(target: string, port: number): Promise<ClickhouseProxy> {
    const proxy = new ClickhouseProxy(target, port)
    proxy.#server.listen(port, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(asked)
    const { searchParams } = new URL(asked.url ?? '/', this.url)
    const [, table] = /^INSERT INTO (\w+)/.exec(searchParams.get('query') ?? '') ?? []
    const token = searchParams.get('insert_deduplication_token') ?? ''
    if (table !== undefined) await this.onInsert?.(table, token)
    const passed = request(new URL(asked.url ?? '/', this.#target), {
      method: asked.method ?? 'GET',
      headers: { ...asked.headers, connection: 'close' },
    })
    const answered = once(passed, 'response') as Promise<[IncomingMessage]>
    passed.end(body)
    const [[response]] = await Promise.all([
      answered,
      once(passed, 'finish').then(() => (table === undefined ? undefined : this.onSent?.(table, token))),
    ])
    const bytes = await buffer(response)
    if (table !== undefined && response.statusCode === 200) await this.onAcknowledged?.(table, token)
    answer.writeHead(response.statusCode ?? 502, response.headers).end(bytes)
  }
}
