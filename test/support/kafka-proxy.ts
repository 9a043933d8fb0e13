import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { systemClock } from '../../pipelines/clock.ts'

/** Kinds of requests by their number in Kafka's protocol. */
export const API = { produce: 0, metadata: 3, findCoordinator: 10, endTransaction: 26 } as const

/** One request or its answer: what it is, and its bytes as sent. */
export interface Exchange {
  readonly api: number
  readonly request: Buffer
}

/** `swallow`: the answer never comes. `cut`: the connection ends instead. `half`: it ends in the middle of the answer. */
export type ReplyFate = 'pass' | 'swallow' | 'cut' | 'half'

/** `keep`: the broker does not see the request, and nobody answers it; see `KafkaProxy.send`. */
export type RequestFate = 'pass' | 'cut' | 'keep'

const SIZE_BYTES = 4

/**
 * Stands between a service and the broker and takes away answers: the broker has done what it was asked, and the client
 * does not know. Clients connect to the address that the broker tells them, so the proxy puts its own into the answers
 * that name brokers (Metadata, FindCoordinator); host and port keep their length, so nothing else moves.
 */
export class KafkaProxy {
  readonly broker: string
  /** What becomes of an answer; asked once for each. */
  onReply: (exchange: Exchange) => ReplyFate = () => 'pass'
  /** What becomes of a request before the broker sees it; asked once for each. */
  onRequest: (exchange: Exchange) => RequestFate = () => 'pass'
  /** How long every answer waits before it is passed on. */
  delayMs = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: Address
  readonly #own: Address

  private constructor(target: Address, own: Address) {
    this.#target = target
    this.#own = own
    this.broker = `${own.host}:${own.port}`
    this.#server = createServer((client) => this.#serve(client))
  }

  static async start(broker: string, port: number): Promise<KafkaProxy> {
    const [host = '', brokerPort] = broker.split(':')
    const proxy = new KafkaProxy({ host, port: Number(brokerPort) }, { host, port })
    await new Promise<void>((resolve) => proxy.#server.listen(port, host, resolve))
    return proxy
  }

  /** Ends every connection with a reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Sends a kept request late, on a connection of its own; the broker's answer is dropped. */
  async send(request: Buffer): Promise<void> {
    const broker = connect(this.#target)
    await new Promise<void>((resolve, reject) => {
      broker
        .once('data', () => resolve())
        .once('close', () => resolve())
        .once('error', reject)
      broker.write(request)
    })
    broker.destroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket): void {
    const broker = connect(this.#target)
    const asked = new Map<number, Exchange>()
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    onFrames(client, (frame) => {
      const exchange = { api: frame.readInt16BE(SIZE_BYTES), request: frame }
      const fate = this.onRequest(exchange)
      if (fate === 'cut') return end()
      if (fate === 'keep') return
      asked.set(frame.readInt32BE(SIZE_BYTES + 4), exchange)
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      const correlation = frame.readInt32BE(SIZE_BYTES)
      const exchange = asked.get(correlation)
      asked.delete(correlation)
      const fate = exchange === undefined ? 'pass' : this.onReply(exchange)
      if (fate === 'cut') return end()
      if (fate === 'swallow') return
      if (exchange?.api === API.metadata || exchange?.api === API.findCoordinator) this.#rename(frame)
      if (fate === 'half') {
        client.end(frame.subarray(0, frame.length >>> 1), () => end())
        return
      }
      if (this.delayMs === 0) client.write(frame)
      // One wait for all: answers keep their order.
      else void systemClock.delay(this.delayMs).then(() => client.destroyed || client.write(frame))
    })
  }

  /** Puts the proxy's address in place of the broker's, wherever it stands. */
  #rename(frame: Buffer): void {
    const [from, to] = [addressBytes(this.#target), addressBytes(this.#own)]
    for (let at = frame.indexOf(from); at >= 0; at = frame.indexOf(from, at + to.length)) to.copy(frame, at)
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

/** Host and port as answers of the versions without compact strings hold them. */
function addressBytes({ host, port }: Address): Buffer {
  const bytes = Buffer.alloc(2 + host.length + 4)
  bytes.writeInt16BE(host.length, 0)
  bytes.write(host, 2, 'latin1')
  bytes.writeInt32BE(port, 2 + host.length)
  return bytes
}

/** Calls back with each whole frame, its size in front. */
function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    waiting = waiting.length === 0 ? data : Buffer.concat([waiting, data])
    while (waiting.length >= SIZE_BYTES && !socket.destroyed) {
      const length = SIZE_BYTES + waiting.readInt32BE(0)
      if (waiting.length < length) return
      take(Buffer.from(waiting.subarray(0, length)))
      waiting = waiting.subarray(length)
    }
  })
}
