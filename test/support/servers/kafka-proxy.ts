import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { systemClock } from '../../../pipelines/clock.ts'

/** Kinds of requests by their number in Kafka's protocol. */
export const API = { produce: 0, metadata: 3, findCoordinator: 10, endTransaction: 26 } as const

/** One request or its answer: its kind, and its bytes as sent. */
export interface Exchange {
  readonly api: number
  readonly request: Buffer
  /** The broker that the request was for, `host:port`. */
  readonly broker: string
}

/** `swallow`: the answer never comes. `cut`: the connection ends instead. `half`: it ends in the middle of the answer. */
export type ReplyFate = 'pass' | 'swallow' | 'cut' | 'half'

/** `keep`: the broker does not see the request, and it gets no answer; see `KafkaProxy.send`. */
export type RequestFate = 'pass' | 'cut' | 'keep'

const SIZE_BYTES = 4

/** Where the proxy listens. */
const OWN_HOST = '127.0.0.1'

/** Answers that name brokers by address. */
const NAMING: ReadonlySet<number> = new Set([API.metadata, API.findCoordinator])

/**
 * A proxy between a service and the brokers, with an address for each. It takes answers away: the broker has done what
 * the request wanted, and the client does not know it. Clients connect to the addresses that a broker reports, so the
 * proxy puts its own into the answers that name brokers (Metadata, FindCoordinator); host and port keep their length, so
 * nothing else moves.
 */
export class KafkaProxy {
  /** Where clients connect. */
  readonly brokers: readonly string[]
  /** Decides what happens to an answer; called once for each. */
  onReply: (exchange: Exchange) => ReplyFate = () => 'pass'
  /** Decides what happens to a request before the broker sees it; called once for each. */
  onRequest: (exchange: Exchange) => RequestFate = () => 'pass'
  /** How long every answer waits before it is passed on. */
  delayMs = 0
  readonly #servers: readonly Server[]
  readonly #sockets = new Set<Socket>()
  readonly #links: readonly Link[]

  private constructor(links: readonly Link[]) {
    this.#links = links
    this.brokers = links.map(({ own }) => nameOf(own))
    this.#servers = links.map((link) => createServer((client) => this.#serve(client, link)))
  }

  /** Listens on a port for each broker. */
  static async start(brokers: readonly string[], ports: readonly number[]): Promise<KafkaProxy> {
    const links = brokers.map((broker, index): Link => {
      const [host = '', port] = broker.split(':')
      if (host.length !== OWN_HOST.length) throw new Error(`${host} is not as long as ${OWN_HOST}`)
      return { target: { host, port: Number(port) }, own: { host: OWN_HOST, port: ports[index] ?? 0 } }
    })
    const proxy = new KafkaProxy(links)
    await Promise.all(
      proxy.#servers.map(
        (server, index) =>
          new Promise<void>((resolve) => server.listen(links[index]?.own.port, OWN_HOST, resolve)),
      ),
    )
    return proxy
  }

  /** Ends every connection with a reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Sends a kept request late, to its broker, on a connection of its own; the answer is dropped. */
  async send({ request, broker: name }: Exchange): Promise<void> {
    const [host = '', port] = name.split(':')
    const broker = connect({ host, port: Number(port) })
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
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #serve(client: Socket, { target }: Link): void {
    const broker = connect(target)
    const pending = new Map<number, Exchange>()
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
      const exchange = { api: frame.readInt16BE(SIZE_BYTES), request: frame, broker: nameOf(target) }
      const fate = this.onRequest(exchange)
      if (fate === 'cut') return end()
      if (fate === 'keep') return
      pending.set(frame.readInt32BE(SIZE_BYTES + 4), exchange)
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      const correlation = frame.readInt32BE(SIZE_BYTES)
      const exchange = pending.get(correlation)
      pending.delete(correlation)
      const fate = exchange === undefined ? 'pass' : this.onReply(exchange)
      if (fate === 'cut') return end()
      if (fate === 'swallow') return
      if (exchange !== undefined && NAMING.has(exchange.api)) this.#rename(frame)
      if (fate === 'half') {
        client.end(frame.subarray(0, frame.length >>> 1), () => end())
        return
      }
      if (this.delayMs === 0) client.write(frame)
      // One delay for all answers: they keep their order.
      else void systemClock.delay(this.delayMs).then(() => client.destroyed || client.write(frame))
    })
  }

  /** Puts the proxy's addresses in place of the brokers', wherever they are. */
  #rename(frame: Buffer): void {
    for (const { target, own } of this.#links) {
      for (const bytesOf of [addressBytes, compactAddressBytes]) {
        const [from, to] = [bytesOf(target), bytesOf(own)]
        for (let at = frame.indexOf(from); at >= 0; at = frame.indexOf(from, at + to.length)) {
          to.copy(frame, at)
        }
      }
    }
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

/** A broker, and the address to which its clients connect instead. */
interface Link {
  readonly target: Address
  readonly own: Address
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

/** Host and port as they are in answers of the versions without compact strings. */
function addressBytes({ host, port }: Address): Buffer {
  const bytes = Buffer.alloc(2 + host.length + 4)
  bytes.writeInt16BE(host.length, 0)
  bytes.write(host, 2, 'latin1')
  bytes.writeInt32BE(port, 2 + host.length)
  return bytes
}

/** The same in the versions with compact strings: the length plus one, in a byte. */
function compactAddressBytes({ host, port }: Address): Buffer {
  const bytes = Buffer.alloc(1 + host.length + 4)
  bytes.writeUInt8(host.length + 1, 0)
  bytes.write(host, 1, 'latin1')
  bytes.writeInt32BE(port, 1 + host.length)
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
