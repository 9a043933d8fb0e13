import type { KafkaConfig, SASLOptions } from 'kafkajs'

/** How the connection is encrypted; texts are PEM. */
export interface KafkaTls {
  /** Authorities that are trusted instead of the system's. */
  readonly ca: string | undefined
  /** This client's own certificate, with its chain, and the key of it: both or neither. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** The name that the brokers' certificates must carry; their own addresses unless given. */
  readonly serverName: string | undefined
}

/** Who this client is. */
export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly user: string
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Asked on each authentication, so that a token that was renewed counts at once. */
      readonly token: () => Promise<string>
    }

export interface KafkaSecurity {
  readonly tls: KafkaTls | undefined
  readonly sasl: KafkaSasl | undefined
}

/** The security of a connection in kafkajs' terms: the one place where its `ssl` and `sasl` are made. */
export function kafkajsSecurity(security: KafkaSecurity | undefined): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { tls, sasl } = security ?? {}
  return {
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  }
}

/** The same in Node's terms. */
export function tlsOptions({ ca, certificate, key, serverName }: KafkaTls): {
  ca?: string
  cert?: string
  key?: string
  servername?: string
} {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism === 'OAUTHBEARER') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
  }
  const { user: username, password } = sasl
  if (sasl.mechanism === 'PLAIN') return { mechanism: 'plain', username, password }
  if (sasl.mechanism === 'SCRAM-SHA-256') return { mechanism: 'scram-sha-256', username, password }
  return { mechanism: 'scram-sha-512', username, password }
}
