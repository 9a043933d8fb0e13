import type { Clock } from '../../../../pipelines/clock.ts'
import { isJsonObject } from '../../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../../pipelines/json/json-object.ts'
import { KIB } from '../../../../schemas/units.ts'
import { listen } from './listening.ts'
import type { Listening } from './listening.ts'

/** The length before each message of WhatsMiner's third interface. */
const LENGTH_BYTES = 4
/** Commands are short; a longer one is none. */
const COMMAND_BYTES_MAX = 4 * KIB

export interface CommandServer {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  /** What the machine answers to a command; null where it knows none such. */
  readonly answerTo: (command: JsonObject) => unknown
}

/** A port of cgminer: a command of JSON, an answer of JSON, on old control boards with NULs after it, and the end. */
export async function serveCgminer(
  { answerTo, ...at }: CommandServer,
  options: { readonly hasNuls: boolean },
): Promise<Listening> {
  const ending = options.hasNuls ? '\0' : ''
  return await listen({
    ...at,
    serve: (socket, answer) => {
      let received = ''
      socket.on('data', (piece) => {
        received = (received + piece.toString('utf8')).slice(0, COMMAND_BYTES_MAX)
        const command = parsed(received)
        if (command === null) return
        const body = answerTo(command) ?? {
          STATUS: [{ STATUS: 'E', Code: 14, Msg: 'Invalid command' }],
          id: 1,
        }
        answer(Buffer.from(`${JSON.stringify(body)}${ending}`))
      })
    },
  })
}

/** WhatsMiner's third interface: messages with their length before them. */
export async function serveFramed({ answerTo, ...at }: CommandServer): Promise<Listening> {
  return await listen({
    ...at,
    serve: (socket, answer) => {
      let received: Buffer = Buffer.alloc(0)
      socket.on('data', (piece) => {
        received = Buffer.concat([received, piece]).subarray(0, COMMAND_BYTES_MAX)
        if (received.length < LENGTH_BYTES) return
        const end = LENGTH_BYTES + received.readUInt32LE()
        if (received.length < end) return
        const command = parsed(received.toString('utf8', LENGTH_BYTES, end)) ?? {}
        const body = Buffer.from(JSON.stringify(answerTo(command) ?? { code: -2, msg: 'invalid cmd' }))
        const length = Buffer.alloc(LENGTH_BYTES)
        length.writeUInt32LE(body.length)
        answer(Buffer.concat([length, body]))
      })
    },
  })
}

function parsed(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}
