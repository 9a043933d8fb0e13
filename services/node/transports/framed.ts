import type { CommandTo } from './cgminer.ts'
import { ANSWER_BYTES_MAX } from './read-outcome.ts'
import type { ReadOutcome } from './read-outcome.ts'
import { tcpExchange } from './tcp-exchange.ts'

/** The length before each message: 32 bits, the lowest first. */
const LENGTH_BYTES = 4

/**
 * A command to WhatsMiner's third interface: a message of JSON with its length before it, and one back. Questions need no login
 * there, only changes do. A message that is shorter than its length is none.
 */
export async function askFramed({ host, port, command, signal }: CommandTo): Promise<ReadOutcome> {
  const message = Buffer.from(JSON.stringify(command))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(message.length)
  const bytes = Buffer.concat([length, message])
  const isWhole = (received: Buffer): boolean => {
    const wanted = lengthIn(received)
    return wanted !== null && (wanted > ANSWER_BYTES_MAX || received.length >= LENGTH_BYTES + wanted)
  }
  const { end, received } = await tcpExchange({ host, port, bytes, isWhole, signal })
  if (end === 'timeout' || end === 'refused') return { kind: end }
  const wanted = lengthIn(received)
  if (wanted === null || wanted > ANSWER_BYTES_MAX || received.length < LENGTH_BYTES + wanted) {
    return { kind: 'unreadable' }
  }
  return { kind: 'answer', text: received.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + wanted) }
}

function lengthIn(received: Buffer): number | null {
  return received.length < LENGTH_BYTES ? null : received.readUInt32LE()
}
