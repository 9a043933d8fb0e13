import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'

/** https in front of a server that speaks http, as a proxy before ClickHouse provides it. */
export class HttpsFront {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  static async start(target: string, files: CertificateFiles): Promise<HttpsFront> {
    const { hostname, port } = new URL(target)
    const server = createServer(pemOf(files), (incoming, answer) => {
      const { method, url: path, headers } = incoming
      const passed = request({ hostname, port, method, path, headers }, (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers)
        pipeline(got, answer, () => {})
      })
      passed.on('error', () => answer.destroy())
      pipeline(incoming, passed, () => {})
    })
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HttpsFront(server)
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
