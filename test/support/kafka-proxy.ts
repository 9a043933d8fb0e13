import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** Kinds of requests by their number in Kafka's protocol. */
export const API = { produce: 0, metadata: 3, findCoordinator: 10, endTransaction: 26 } as const

/** One request or its answer: what it is, and its bytes as sent. */
export interface Exchange {
  readonly api: number
  readonly request: Buffer
}

/** `swallow`: the answer never comes. `cut`: the connection ends instead. */
export type ReplyFate = 'pass' | 'swallow' | 'cut'

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
  /** True: the connection ends before the broker sees the request. */
  refuses: (exchange: Exchange) => boolean = () => false
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
      if (this.refuses(exchange)) return end()
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
      client.write(frame)
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
