import { createServer, request } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { once } from 'node:events'
import { systemClock } from '../../../pipelines/clock.ts'

/** Called for every INSERT with its table and its token. The INSERT waits for the returned promise. */
export type InsertHook = (table: string, token: string) => void | Promise<void>

/** A proxy between a service and ClickHouse, so that a test can act at a chosen point of a chosen INSERT. */
export class ClickhouseProxy {
  readonly url: string
  /** Before the server sees the INSERT. */
  onInsert: InsertHook | undefined
  /** When the server has all of it, and has not answered yet. */
  onSent: InsertHook | undefined
  /** When the server has acknowledged it, and the service does not know it yet. */
  onAcknowledged: InsertHook | undefined
  /** How long every statement waits before it is passed on. */
  delayMs = 0
  /** INSERTs that the server has not answered yet. */
  insertsUnderWay = 0
  readonly #target: string
  readonly #server: Server

  private constructor(target: string, port: number) {
    this.#target = target
    this.url = `http://127.0.0.1:${port}`
    this.#server = createServer((incoming, answer) => {
      // Either side may be killed at any time: the proxy is made for that.
      this.#pass(incoming, answer).catch(() => answer.destroy())
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

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    if (this.delayMs > 0) await systemClock.delay(this.delayMs)
    const { searchParams } = new URL(incoming.url ?? '/', this.url)
    const [, table] = /^INSERT INTO (\w+)/.exec(searchParams.get('query') ?? '') ?? []
    const token = searchParams.get('insert_deduplication_token') ?? ''
    if (table === undefined) return await this.#ask(incoming, body, answer)
    await this.onInsert?.(table, token)
    this.insertsUnderWay++
    try {
      await this.#ask(incoming, body, answer, { table, token })
    } finally {
      this.insertsUnderWay--
    }
  }

  async #ask(
    incoming: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    insert?: { readonly table: string; readonly token: string },
  ): Promise<void> {
    const passed = request(new URL(incoming.url ?? '/', this.#target), {
      method: incoming.method ?? 'GET',
      headers: { ...incoming.headers, connection: 'close' },
    })
    const answered = once(passed, 'response') as Promise<[IncomingMessage]>
    passed.end(body)
    const [[response]] = await Promise.all([
      answered,
      once(passed, 'finish').then(() => insert && this.onSent?.(insert.table, insert.token)),
    ])
    const bytes = await buffer(response)
    if (insert !== undefined && response.statusCode === 200) {
      await this.onAcknowledged?.(insert.table, insert.token)
    }
    answer.writeHead(response.statusCode ?? 502, response.headers).end(bytes)
  }
}
