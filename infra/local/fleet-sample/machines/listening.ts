import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Clock } from '../../../../pipelines/clock.ts'
import type { Fault } from './faults.ts'

/** How long a machine that is slow takes for each byte. */
const SLOW_BYTE_MS = 250

export interface Listening {
  readonly port: number
  /** From now on; a port that refuses takes connections again with any other fault. */
  readonly setFault: (fault: Fault) => Promise<void>
  readonly stop: () => Promise<void>
}

export interface Listener {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly clock: Clock
  /** What a connection is for, until it ends. */
  readonly serve: (socket: Socket, answer: (bytes: Buffer) => void) => void
}

/** A port of a machine, with its fault laid over whatever is answered there. */
export async function listen({ host, port, clock, serve }: Listener): Promise<Listening> {
  let fault: Fault = 'none'
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A node that has had enough resets the connection.
    socket.on('error', () => socket.destroy())
    if (fault === 'silent') socket.resume()
    else serve(socket, (bytes) => void answer({ socket, bytes, fault, clock }))
  })
  const bound = await start(server, host, port)
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((done) => server.close(done))
  }
  return {
    port: bound,
    setFault: async (next) => {
      if (next === 'refused') await close()
      else if (!server.listening) await start(server, host, bound)
      fault = next
    },
    stop: close,
  }
}

async function start(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', reject)
  server.listen(port, host, () => {
    const address = server.address()
    server.off('error', reject)
    resolve(typeof address === 'object' && address !== null ? address.port : port)
  })
  return await promise
}

async function answer(parts: {
  readonly socket: Socket
  readonly bytes: Buffer
  readonly fault: Fault
  readonly clock: Clock
}): Promise<void> {
  const { socket, bytes, fault, clock } = parts
  if (fault === 'cut') {
    socket.end(bytes.subarray(0, Math.floor(bytes.length / 2)))
    return
  }
  if (fault !== 'slow') {
    socket.end(bytes)
    return
  }
  for (let at = 0; at < bytes.length && !socket.destroyed; at += 1) {
    socket.write(bytes.subarray(at, at + 1))
    await clock.delay(SLOW_BYTE_MS)
  }
}
