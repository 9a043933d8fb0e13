import { createHash } from 'node:crypto'
import type { Clock } from '../../../../pipelines/clock.ts'
import { KIB } from '../../../../schemas/units.ts'
import type { Fault } from './faults.ts'
import { listen } from './listening.ts'
import type { Listening } from './listening.ts'

/** A request has no more before its body; what is longer is not read. */
const REQUEST_BYTES_MAX = 16 * KIB

export interface WebLogin {
  readonly user: string
  readonly password: string
}

export interface WebServer {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  /** Who is let in, by digest; null: everybody. */
  readonly login: WebLogin | null
  /** What the machine answers to a path; null where it has none such. */
  readonly answerTo: (path: string) => unknown
}

/** A machine's web server, by hand, since a machine's own is cut and slow in ways that a library's cannot be. */
export async function serveWeb({ login, answerTo, ...at }: WebServer): Promise<Listening> {
  let isLocked = false
  const listening = await listen({
    ...at,
    serve: (socket, answer) => {
      let received = ''
      socket.on('data', (piece) => {
        received = (received + piece.toString('latin1')).slice(0, REQUEST_BYTES_MAX)
        const end = received.indexOf('\r\n\r\n')
        if (end < 0) return
        const [first = '', ...headers] = received.slice(0, end).split('\r\n')
        received = ''
        const [method = '', path = ''] = first.split(' ')
        const authorization = headers.find((line) => /^authorization:/i.test(line)) ?? ''
        const isLetIn = login === null || (!isLocked && proves(authorization, method, login))
        answer(isLetIn ? responseTo(answerTo(path)) : UNAUTHORISED)
      })
    },
  })
  return {
    ...listening,
    setFault: async (fault: Fault) => {
      isLocked = fault === 'wrong_login'
      await listening.setFault(fault)
    },
  }
}

const REALM = 'sample machine'
const NONCE = '5f2b-sample-nonce'

const UNAUTHORISED = Buffer.from(
  [
    'HTTP/1.1 401 Unauthorized',
    `WWW-Authenticate: Digest realm="${REALM}", nonce="${NONCE}", qop="auth"`,
    'Content-Length: 0',
    'Connection: close',
    '',
    '',
  ].join('\r\n'),
)

function responseTo(body: unknown): Buffer {
  const text = Buffer.from(body === null ? '' : JSON.stringify(body))
  const head = [
    body === null ? 'HTTP/1.1 404 Not Found' : 'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
    'Connection: close',
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([Buffer.from(head), text])
}

/** Whether a header proves that its writer knows the password (RFC 7616, MD5, qop auth). */
function proves(header: string, method: string, { user, password }: WebLogin): boolean {
  const said = (name: string): string => {
    const [, inQuotes, plain] = new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s,]+))`).exec(header) ?? []
    return inQuotes ?? plain ?? ''
  }
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const secret = md5(`${user}:${REALM}:${password}`)
  const what = md5(`${method}:${said('uri')}`)
  const expected = md5(`${secret}:${NONCE}:${said('nc')}:${said('cnonce')}:auth:${what}`)
  return said('username') === user && said('response') === expected
}
