import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { MIB } from '../../schemas/units.ts'

/** Longest silence of a client that goes on sending a body which was already answered. */
export const LEFTOVER_TIMEOUT_MS = 3_000

/** Bytes of such a body that are read, so that a client that sends everything before it reads still finds its answer. */
export const LEFTOVER_BYTES_MAX = 16 * MIB

/** How long such a body is read. */
export const LEFTOVER_MS_MAX = 5_000

/** Connections on which such bodies are read at once; on further ones the connection ends with the answer. */
export const LEFTOVERS_MAX = 32

/**
 * The rest of bodies that were answered before they had arrived completely: refused for their size, their type or their
 * credential. A connection that is closed while its client still sends is reset, and the reset destroys the answer as
 * well. So the rest is read and thrown away, and the connection is closed then. All of this is bounded, because the
 * client was refused.
 */
class Leftovers {
  readonly #clock: Pick<Clock, 'delay'>
  #reading = 0

  constructor(clock: Pick<Clock, 'delay'>) {
    this.#clock = clock
  }

  /** Number of connections on which it reads. */
  get reading(): number {
    return this.#reading
  }

  /**
   * Reads until the body has ended or is too large, and keeps the connection open until then. False where there is no room.
   */
  read(body: IncomingMessage): boolean {
    if (this.#reading >= LEFTOVERS_MAX) return false
    this.#reading += 1
    const { socket } = body
    const over = new AbortController()
    let left = LEFTOVER_BYTES_MAX
    let isLast = false
    // Node calls this to end the connection once the last answer on it is written.
    socket.destroySoon = () => {
      isLast = true
      socket.end()
    }
    const end = (): void => {
      if (over.signal.aborted) return
      over.abort()
      this.#reading -= 1
      // Restores the method of the socket's class.
      Reflect.deleteProperty(socket, 'destroySoon')
      if (isLast) socket.destroySoon()
    }
    body.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) socket.destroy()
    })
    body.once('end', end)
    socket.once('close', end)
    void this.#clock.delay(LEFTOVER_MS_MAX, over.signal).then(() => {
      if (!over.signal.aborted) socket.destroy()
    })
    return true
  }
}

/**
 * Used in every server: a client that was answered before it had sent its whole body finds the answer, and may not stall.
 */
export function readLeftovers(app: FastifyInstance, clock: Pick<Clock, 'delay'>): void {
  const leftovers = new Leftovers(clock)
  app.addHook('onSend', async ({ raw }, reply) => {
    if (raw.complete === false && !leftovers.read(raw)) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete === false) raw.socket.setTimeout(LEFTOVER_TIMEOUT_MS)
  })
}
