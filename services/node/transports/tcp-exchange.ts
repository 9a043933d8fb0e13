import { connect } from 'node:net'
import { ANSWER_BYTES_MAX, meaningOf } from './read-outcome.ts'

export interface TcpRequest {
  readonly host: string
  readonly port: number
  readonly bytes: Buffer
  /** Whether what has come so far is the whole answer. */
  readonly isWhole: (received: Buffer) => boolean
  /** Ends the exchange; what came until then is given up. */
  readonly signal: AbortSignal
}

/** How an exchange ended, and what had come by then. `closed`: by the machine. */
export interface TcpEnd {
  readonly end: 'whole' | 'closed' | 'refused' | 'timeout' | 'too_long'
  readonly received: Buffer
}

/** Sends one request over a connection of its own and reads the answer, within the bound of bytes. Never rejects. */
export async function tcpExchange({ host, port, bytes, isWhole, signal }: TcpRequest): Promise<TcpEnd> {
  const nothing: Buffer = Buffer.alloc(0)
  if (signal.aborted) return { end: 'timeout', received: nothing }
  const { promise, resolve } = Promise.withResolvers<TcpEnd>()
  const socket = connect({ host, port })
  // It doubles where it is full, so that an answer of many small pieces is not copied at each.
  let room = nothing
  let received = nothing
  const take = (piece: Buffer): void => {
    const end = received.length + piece.length
    if (end > room.length) room = Buffer.concat([received], Math.max(2 * room.length, end))
    piece.copy(room, received.length)
    received = room.subarray(0, end)
  }
  const finish = (end: TcpEnd['end']): void => resolve({ end, received })
  const onAbort = (): void => finish('timeout')
  signal.addEventListener('abort', onAbort, { once: true })
  socket.on('connect', () => socket.write(bytes))
  socket.on('data', (piece) => {
    take(piece)
    if (received.length > ANSWER_BYTES_MAX) finish('too_long')
    else if (isWhole(received)) finish('whole')
  })
  socket.on('end', () => finish('closed'))
  socket.on('close', () => finish('closed'))
  socket.on('error', (error) => finish(meaningOf(error)))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}
