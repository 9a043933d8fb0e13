import { readFileSync } from 'node:fs'
import { createLocalJWKSet, importSPKI, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../pipelines/clock.ts'
import type { Config } from '../runtime/config.ts'
import { EXIT, ExitError, describeError } from '../runtime/exit.ts'
import type { Caller } from '../http/caller.ts'
import { callerOf } from './key-ring.ts'
import { isNodeName, isOperatorName } from './read-key.ts'

/** How far the clocks of issuer and server may differ. */
export const JWT_CLOCK_TOLERANCE_S = 30

/**
 * Largest length of a token's subject: it becomes part of the name of a command's caller, which may have 1,000 characters.
 */
export const JWT_SUBJECT_CHARACTERS_MAX = 900

/** A token in force that cannot be accepted, and why. Only a client whose token is signed correctly gets this reason. */
export interface UnfitToken {
  readonly unfit: string
}

/** Returns the caller that a JSON Web Token identifies; null for a token that is not in force. */
export type JwtCallers = (token: string) => Promise<Caller | UnfitToken | null>

/**
 * Verifies tokens by our own settings, never by what the token's header says: algorithm, issuer and audience are fixed.
 * Undefined where no key file is set. Exit 78 where the key cannot be read or a setting is missing.
 */
export async function jwtCallers(config: Config, clock: Clock): Promise<JwtCallers | undefined> {
  const { jwtKeyFile, jwtIssuer, jwtAudience, jwtAlgorithm } = config
  if (jwtKeyFile === '') return undefined
  const key = await readKey(jwtKeyFile, jwtAlgorithm)
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [jwtAlgorithm],
        issuer: jwtIssuer,
        audience: jwtAudience,
        clockTolerance: JWT_CLOCK_TOLERANCE_S,
        currentDate: new Date(clock.nowMs()),
        requiredClaims: ['exp', 'sub'],
      })
      const scopes = typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : []
      const nodes = namesOf(payload['nodes'], isNodeName)
      const operators = namesOf(payload['operators'], isOperatorName)
      if (nodes === null || operators === null) return null
      // The length is that of the written form: a subject may be anything that JSON holds. With a longer one each write
      // would be set aside in the log, and the client would get no answer about it.
      const id = `${PREFIX}${payload.sub ?? ''}`
      if (id.length > PREFIX.length + JWT_SUBJECT_CHARACTERS_MAX) return { unfit: SUBJECT_TOO_LONG }
      return callerOf(id, { scopes, nodes, operators })
    } catch {
      return null
    }
  }
}

/**
 * A claim that is a list of names. Null where a name is not possible: the token then means something that this server
 * does not know.
 */
function namesOf(claim: unknown, isName: (name: string) => boolean): string[] | null {
  const names = claim ?? []
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string' && isName(name))
  return isList ? (names as string[]) : null
}

const PREFIX = 'jwt:'

const SUBJECT_TOO_LONG = `The token is in force, but its subject ("sub") has more than ${JWT_SUBJECT_CHARACTERS_MAX} characters. Have one issued with a shorter subject.`

async function readKey(file: string, algorithm: string): Promise<JWTVerifyGetKey> {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.trimStart().startsWith('{')) return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
    const key = await importSPKI(text, algorithm)
    return async () => key
  } catch (error) {
    throw new ExitError(
      EXIT.configuration,
      `The key of JSON Web Tokens in ${file} (HIVEMETER_JWT_KEY_FILE) cannot be read: ${describeError(error)}. Give a public key for ${algorithm} as PEM, or a JSON Web Key Set.`,
      { cause: error },
    )
  }
}
