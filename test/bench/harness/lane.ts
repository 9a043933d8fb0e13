import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** The answer of a server. */
export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEAD_END = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)

/**
 * One kept HTTP/1.1 connection, one request at a time. The load runs on the machine that it measures, so a request must
 * cost little: the bytes are written as they are given, and an answer must state its length, as the answers of the
 * services do.
 */
export class Lane {
  readonly #port: number
  readonly #host: string
  #socket: Socket | undefined
  #received: Buffer = NOTHING
  #waiting: PromiseWithResolvers<Answer> | undefined

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  /** The answer to a whole request (`requestBytes` makes one). Rejects where the connection ends before it. */
  ask(request: Uint8Array): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('A lane carries one request at a time.')
    this.#waiting = Promise.withResolvers<Answer>()
    const { promise } = this.#waiting
    this.#socket ??= this.#connect()
    this.#socket.write(request)
    return promise
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #connect(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    const lost = (error?: Error): void => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#received = NOTHING
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.reject(error ?? new Error('The server closed the connection without an answer.'))
    }
    socket.on('data', (data) => this.#take(data))
    socket.on('error', lost)
    socket.on('close', () => lost())
    return socket
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data])
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const status = Number(head.slice(9, 12))
    const length = status === 204 ? '0' : /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const bodyStart = headEnd + HEAD_END.length
    if (length === undefined) {
      this.#socket?.destroy(new Error(`The answer has no length: ${head}`))
      return
    }
    const bodyEnd = bodyStart + Number(length)
    if (this.#received.length < bodyEnd) return
    const body = this.#received.subarray(bodyStart, bodyEnd)
    this.#received = NOTHING
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve({ status, body })
  }
}

/** A whole request. */
export function requestBytes(method: string, path: string, body?: string): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, 'host: localhost']
  if (body !== undefined) {
    head.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`)
  }
  return Buffer.from(`${head.join('\r\n')}${HEAD_END}${body ?? ''}`)
}
