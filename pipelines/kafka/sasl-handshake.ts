import { connect as connectPlain } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { tlsOptions } from './kafkajs/security.ts'
import type { KafkaTls } from './kafkajs/security.ts'

const SASL_HANDSHAKE = 17
const HANDSHAKE_VERSION = 1
const CORRELATION_ID = 5_017
const ANSWER_TIMEOUT_MS = 3_000
const ANSWER_BYTES_MAX = 65_536

/** Error code of a listener without SASL. */
const ILLEGAL_SASL_STATE = 34

/** What a listener reports about itself. */
export interface Listener {
  /** SASL mechanisms that it accepts; undefined where it has no SASL. */
  readonly mechanisms: readonly string[] | undefined
}

/**
 * A handshake that names no mechanism: any listener answers it with the mechanisms that it has, before any
 * authentication.
 */
function request(): Buffer {
  const client = Buffer.from('hivemeter')
  const size = 2 + 2 + 4 + 2 + client.length + 2
  const bytes = Buffer.alloc(4 + size)
  let at = bytes.writeInt32BE(size, 0)
  at = bytes.writeInt16BE(SASL_HANDSHAKE, at)
  at = bytes.writeInt16BE(HANDSHAKE_VERSION, at)
  at = bytes.writeInt32BE(CORRELATION_ID, at)
  at = bytes.writeInt16BE(client.length, at)
  at += client.copy(bytes, at)
  bytes.writeInt16BE(0, at)
  return bytes
}

/** The listener that a complete answer describes; null for what is not an answer of Kafka, undefined for a part of one. */
function readAnswer(answer: Buffer): Listener | null | undefined {
  if (answer.length < 4) return undefined
  const size = answer.readInt32BE(0)
  if (size < 10 || size > ANSWER_BYTES_MAX) return null
  if (answer.length < 4 + size) return undefined
  if (answer.readInt32BE(4) !== CORRELATION_ID) return null
  if (answer.readInt16BE(8) === ILLEGAL_SASL_STATE) return { mechanisms: undefined }
  const mechanisms: string[] = []
  let at = 14
  for (let left = answer.readInt32BE(10); left > 0 && at + 2 <= 4 + size; left -= 1) {
    const end = at + 2 + answer.readInt16BE(at)
    mechanisms.push(answer.toString('utf8', at + 2, end))
    at = end
  }
  return { mechanisms }
}

/**
 * Queries what listens at an address, without TLS or over TLS (whatever certificate it has: nothing but this request is
 * sent). Undefined where nothing answers in this way. Never rejects.
 */
export function askListener(address: string, tls: KafkaTls | boolean): Promise<Listener | undefined> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const place = { host, port: Number(address.slice(colon + 1)), timeout: ANSWER_TIMEOUT_MS }
  return new Promise((resolve) => {
    const socket: Socket =
      tls === false
        ? connectPlain(place)
        : connectTls({ ...place, ...(tls === true ? {} : tlsOptions(tls)), rejectUnauthorized: false })
    const end = (listener: Listener | undefined) => {
      socket.destroy()
      resolve(listener)
    }
    let answer = Buffer.alloc(0)
    socket.on('timeout', () => end(undefined))
    socket.once(tls === false ? 'connect' : 'secureConnect', () => socket.write(request()))
    socket.on('data', (data) => {
      answer = Buffer.concat([answer, data])
      const listener = readAnswer(answer)
      if (listener !== undefined) end(listener ?? undefined)
    })
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
  })
}
