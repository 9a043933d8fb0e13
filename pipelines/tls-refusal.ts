/** Why a server and this client cannot connect: every further try fails alike, until a person changes something. */
export interface Refusal {
  /** What is wrong, in words; it never contains a secret. */
  readonly what: string
  /** What to do. */
  readonly remedy: string
}

/** Bounds the walk along `cause`, which foreign errors may close into a ring. */
const CAUSES_MAX = 8

/** An error and its causes, the outermost first. */
export function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  let current = error
  while (current instanceof Error && causes.length < CAUSES_MAX) {
    causes.push(current)
    current = current.cause
  }
  return causes
}

/** What errors of other libraries have besides their message. */
interface Marked {
  readonly code?: unknown
  readonly type?: unknown
  /** Of an error that combines several errors, such as one for each topic. */
  readonly errors?: unknown
}

/** Everything that an error and its causes report about themselves (code, type and message), to be searched. */
export function wordsOf(error: unknown): string {
  const causes = causesOf(error)
  const parts = causes.flatMap((cause) => {
    const { errors } = cause as Marked
    return Array.isArray(errors) ? (errors as unknown[]).slice(0, CAUSES_MAX) : []
  })
  const words: unknown[] = []
  for (const one of [...causes, ...parts]) {
    if (!(one instanceof Error)) continue
    const { code, type } = one as Marked
    words.push(code, type, one.message)
  }
  return words.filter((word) => typeof word === 'string').join(' ')
}

/** The settings that hold the TLS configuration of one server. */
export interface TlsVariables {
  /** The server in words: "Kafka". */
  readonly server: string
  readonly caFile: string
  /** The client's own certificate, where this server may ask for one. */
  readonly certificateFile?: string
  /** What to do where the port turns out not to use TLS. */
  readonly plainRemedy: string
  /** The name that the certificate must carry, where it may differ from the address. */
  readonly serverName?: string
}

type Row = readonly [pattern: RegExp, what: string, remedy: string]

const rowsOf = ({
  server,
  caFile,
  certificateFile,
  plainRemedy,
  serverName,
}: TlsVariables): readonly Row[] => [
  [
    /ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)|wrong version number|packet length too long/,
    `the port of ${server} speaks no TLS`,
    plainRemedy,
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/,
    `${server}'s certificate has expired`,
    `Renew it on the server; where this machine's clock is wrong, set that.`,
  ],
  [
    /CERT_NOT_YET_VALID|certificate is not yet valid/,
    `${server}'s certificate is not valid yet`,
    `See whether this machine's clock is right, and from when on the certificate holds.`,
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    `${server}'s certificate is one for another name`,
    serverName === undefined
      ? 'Use the address that the certificate names.'
      : `Use the address that the certificate names, or set ${serverName} to that name.`,
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|self-signed certificate|unable to (verify the first|get (local )?issuer) certificate/,
    `${server}'s certificate comes from an authority that is not trusted here`,
    `Set ${caFile} to that authority's certificate (PEM).`,
  ],
  [
    /alert (certificate required|bad certificate|certificate unknown|unknown ca|certificate expired|handshake failure)|ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA|CERTIFICATE_EXPIRED|HANDSHAKE_FAILURE)/,
    `${server} wants a certificate of this client, or does not take the one it was given`,
    certificateFile === undefined
      ? 'Use an address that asks for no certificate.'
      : `Set ${certificateFile} and its key to a certificate that is valid and signed by an authority that the server trusts.`,
  ],
]

/** What the words of an error say about TLS; undefined where they say nothing about it. */
export function tlsRefusalIn(words: string, variables: TlsVariables): Refusal | undefined {
  const row = rowsOf(variables).find(([pattern]) => pattern.test(words))
  return row === undefined ? undefined : { what: row[1], remedy: row[2] }
}
