import { createHash } from 'node:crypto'
import type { Random } from '../../../../pipelines/random.ts'
import type { Login } from '../../config/agent-config.ts'

const CLIENT_NONCE_BYTES = 8

interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | null
  readonly hasQop: boolean
}

/**
 * The digest login of HTTP (RFC 7616, with MD5: the only one that machines speak). The last challenge is used again, with a
 * count that rises, until the machine gives another.
 */
export class DigestLogin {
  readonly #login: Login
  readonly #random: Random
  #challenge: Challenge | null = null
  #count = 0

  constructor(login: Login, random: Random) {
    this.#login = login
    this.#random = random
  }

  /** Takes the challenge of a 401; false where there is none that this can answer. */
  take(header: string): boolean {
    this.#challenge = challengeIn(header)
    this.#count = 0
    return this.#challenge !== null
  }

  /** The value of `Authorization`; null before the first challenge. */
  headerFor(method: string, path: string): string | null {
    const challenge = this.#challenge
    if (challenge === null) return null
    this.#count += 1
    const { realm, nonce, opaque, hasQop } = challenge
    const { user, password } = this.#login
    const count = this.#count.toString(16).padStart(8, '0')
    const own = this.#random.bytes(CLIENT_NONCE_BYTES).toString('hex')
    const secret = md5(`${user}:${realm}:${password}`)
    const what = md5(`${method}:${path}`)
    const middle = hasQop ? `${nonce}:${count}:${own}:auth` : nonce
    const parts = [
      `username="${quoted(user)}"`,
      `realm="${quoted(realm)}"`,
      `nonce="${quoted(nonce)}"`,
      `uri="${path}"`,
      `response="${md5(`${secret}:${middle}:${what}`)}"`,
      ...(hasQop ? ['qop=auth', `nc=${count}`, `cnonce="${own}"`] : []),
      ...(opaque === null ? [] : [`opaque="${quoted(opaque)}"`]),
    ]
    return `Digest ${parts.join(', ')}`
  }
}

function md5(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex')
}

function quoted(text: string): string {
  return text.replaceAll(/["\\]/g, '\\$&')
}

function challengeIn(header: string): Challenge | null {
  if (!/^digest\s/i.test(header)) return null
  const said = new Map<string, string>()
  for (const [, name = '', inQuotes, plain] of header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)) {
    said.set(name.toLowerCase(), inQuotes?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '')
  }
  const realm = said.get('realm')
  const nonce = said.get('nonce')
  if (realm === undefined || nonce === undefined || !/^md5$/i.test(said.get('algorithm') ?? 'MD5'))
    return null
  const qop = said.get('qop')
  const offers = qop?.split(',').map((one) => one.trim().toLowerCase()) ?? []
  if (qop !== undefined && !offers.includes('auth')) return null
  return { realm, nonce, opaque: said.get('opaque') ?? null, hasQop: qop !== undefined }
}
