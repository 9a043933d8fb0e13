import type { ReadOutcome } from './read-outcome.ts'
import { tcpExchange } from './tcp-exchange.ts'

const NUL = 0

export interface CommandTo {
  readonly host: string
  readonly port: number
  readonly command: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
}

/**
 * A command to cgminer's port: JSON, answered by JSON that ends with a NUL or with the connection. An answer that was cut is
 * given as it came, since the end of the connection is its end.
 */
export async function askCgminer({ host, port, command, signal }: CommandTo): Promise<ReadOutcome> {
  const bytes = Buffer.from(JSON.stringify(command))
  const isWhole = (received: Buffer): boolean => received.at(-1) === NUL
  const { end, received } = await tcpExchange({ host, port, bytes, isWhole, signal })
  if (end === 'timeout' || end === 'refused') return { kind: end }
  if (end === 'too_long' || received.length === 0) return { kind: 'unreadable' }
  return { kind: 'answer', text: received.toString('utf8') }
}
