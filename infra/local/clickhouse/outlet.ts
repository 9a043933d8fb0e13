import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Duplex, type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A body that comes in pieces, and knows at its end whether it is complete. */
export interface PiecewiseBody extends Readable {
  readonly hasFailed: boolean
}

/**
 * The way out of one answer. Node writes all headers at once, but a server reports its progress in headers while it
 * works: an answer that has begun in this way is written to the socket by hand, and its connection ends with it.
 */
export class Outlet {
  readonly #raw: ServerResponse
  #socket: Socket | undefined

  constructor(raw: ServerResponse) {
    this.#raw = raw
  }

  /** Sends one more header now, before the others. */
  tellProgress(value: string): void {
    const { socket } = this.#raw
    if (socket === null || !socket.writable || this.#raw.headersSent) return
    if (this.#socket === undefined) socket.write('HTTP/1.1 200 OK\r\n')
    this.#socket = socket
    socket.write(`X-ClickHouse-Progress: ${value}\r\n`)
  }

  /** Sends an answer that is complete already. */
  end(status: number, headers: Readonly<Record<string, string>>, body: Buffer): void {
    if (this.#socket === undefined) {
      this.#raw.writeHead(status, { ...headers, 'Content-Length': String(body.length) }).end(body)
      return
    }
    this.#socket.end(Buffer.concat([headOf({ ...headers, 'Content-Length': String(body.length) }), body]))
  }

  /**
   * Sends a body piece by piece through the steps of packing. For a body that has failed the last chunk is left out, so
   * that no client takes what it got for the whole. Never rejects: a client that leaves only ends the body.
   */
  async stream(
    headers: Readonly<Record<string, string>>,
    body: PiecewiseBody | Readable,
    steps: readonly Duplex[],
  ): Promise<void> {
    const sink = this.#sink(headers)
    try {
      await pipeline([body, ...steps, sink], { end: false })
    } catch {
      this.#raw.socket?.destroy()
      return
    }
    if ('hasFailed' in body && body.hasFailed) this.#raw.socket?.destroySoon()
    else sink.end()
  }

  #sink(headers: Readonly<Record<string, string>>): Writable {
    if (this.#socket === undefined) return this.#raw.writeHead(200, headers)
    this.#socket.write(headOf({ ...headers, 'Transfer-Encoding': 'chunked' }))
    return chunksTo(this.#socket)
  }
}

/** The rest of a head that has begun with progress. */
function headOf(headers: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1')
}

/** Writes its input as chunks of HTTP, and the last chunk at its end. */
function chunksTo(socket: Socket): Writable {
  const onGone = (): void => void sink.destroy(new Error('The client left.'))
  const sink = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      socket.write(
        Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
        done,
      )
    },
    final: (done) => {
      socket.off('close', onGone)
      socket.end('0\r\n\r\n', done)
    },
  })
  socket.once('close', onGone)
  return sink
}
