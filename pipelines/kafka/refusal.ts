import { tlsRefusalIn, wordsOf } from '../tls-refusal.ts'
import type { Refusal } from '../tls-refusal.ts'
import type { Logger } from '../logger.ts'

type Row = readonly [pattern: RegExp, what: string, remedy: string]

const ROWS: readonly Row[] = [
  [
    /mechanism is not supported|UNSUPPORTED_SASL_MECHANISM/,
    'the brokers do not take this SASL mechanism',
    'Set HIVEMETER_KAFKA_SASL_MECHANISM to one that the listener has.',
  ],
  [
    /ILLEGAL_SASL_STATE|given the current SASL state/,
    'the listener at this port knows no SASL',
    'Unset HIVEMETER_KAFKA_SASL_MECHANISM, or set HIVEMETER_KAFKA_BROKERS to the port of a SASL listener.',
  ],
  [
    // Not every such failure is a refusal: a connection that is lost in the meantime is reported in the same words.
    /OAUTHBEARER authentication failed: .*(Authentication failed|[Ii]nvalid)/,
    'the brokers do not take the token',
    'See that HIVEMETER_KAFKA_TOKEN_FILE holds a token that has not expired, for these brokers.',
  ],
  [
    /authentication failed: .*(Authentication failed|[Ii]nvalid)|SASL_AUTHENTICATION_FAILED/,
    'the user or its password is wrong',
    'Check HIVEMETER_KAFKA_USER, what HIVEMETER_KAFKA_PASSWORD_FILE holds, and that the brokers have this user for this mechanism.',
  ],
  [
    /token file .* cannot be read/,
    'there is no token to show',
    'Put one into the file that HIVEMETER_KAFKA_TOKEN_FILE names; it is read again on each authentication.',
  ],
  [
    /AUTHORIZATION_FAILED|Not authorized to access|authorization failed/i,
    'this principal lacks a right',
    'npm run migrate -- --acls shows which rights each service needs, and with --apply grants them.',
  ],
]

/** A listener without TLS that was contacted with TLS. */
export const NO_TLS: Refusal = {
  what: 'the listener at this port speaks no TLS',
  remedy: 'Set HIVEMETER_KAFKA_BROKERS to the port of a TLS listener, or HIVEMETER_KAFKA_TLS=off.',
}

/** What the words of an error say about a refusal of this client; undefined where they are about anything else. */
export function refusalIn(words: string): Refusal | undefined {
  const row = ROWS.find(([pattern]) => pattern.test(words))
  if (row !== undefined) return { what: row[1], remedy: row[2] }
  return tlsRefusalIn(words, {
    server: 'Kafka',
    caFile: 'HIVEMETER_KAFKA_CA_FILE',
    plainRemedy: NO_TLS.remedy,
    certificateFile: 'HIVEMETER_KAFKA_CERTIFICATE_FILE',
    serverName: 'HIVEMETER_KAFKA_SERVER_NAME',
  })
}

/** The same for an error and its causes. */
export function refusalOf(error: unknown): Refusal | undefined {
  return refusalIn(wordsOf(error))
}

/** A refusal of a client is logged again after this time, however often the client tries. */
const REFUSAL_SILENCE_MS = 30_000

/**
 * Logs that a client is refused: further tries fail in the same way, and without the log no one would know why nothing
 * moves.
 */
export class RefusalLog {
  readonly #logger: Logger
  readonly #brokers: string
  #silentUntilMs = 0

  constructor(logger: Logger, brokers: string) {
    this.#logger = logger
    this.#brokers = brokers
  }

  /** Takes the log text about a request; most of them report no refusal. */
  notice(words: string, nowMs: number): void {
    const refusal = refusalIn(words)
    if (refusal === undefined || nowMs < this.#silentUntilMs) return
    this.#silentUntilMs = nowMs + REFUSAL_SILENCE_MS
    const { what, remedy } = refusal
    this.#logger.warn({ brokers: this.#brokers, remedy }, `Kafka refuses this client: ${what}`)
  }
}
