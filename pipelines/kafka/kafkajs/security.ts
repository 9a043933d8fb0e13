import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import type { AuthenticationProviderArgs, Authenticator, KafkaConfig, Mechanism, SASLOptions } from 'kafkajs'
import { refusalOf } from '../refusal.ts'

/** How the connection is encrypted; texts are PEM. */
export interface KafkaTls {
  /** Authorities that are trusted instead of the system's. */
  readonly ca: string | undefined
  /** This client's own certificate, with its chain, and its key: both or neither. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** The name that the brokers' certificates must carry; their own addresses where it is not given. */
  readonly serverName: string | undefined
}

/** The identity of this client. */
export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly user: string
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      /** Called on each authentication, so that a renewed token counts at once. */
      readonly token: () => Promise<string>
    }

export interface KafkaSecurity {
  readonly tls: KafkaTls | undefined
  readonly sasl: KafkaSasl | undefined
}

/** The security of a connection in the terms of kafkajs: the only place where its `ssl` and `sasl` are built. */
export function kafkajsSecurity(security: KafkaSecurity | undefined): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { tls, sasl } = security ?? {}
  return {
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: outlivingLostConnections(saslOptions(sasl)) }),
  }
}

/** The same in the terms of Node. */
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

type Provider = (args: AuthenticationProviderArgs) => Authenticator

/** The files of kafkajs 2.2.4, pinned, that hold the mechanisms. */
const MECHANISM_FILES: Readonly<Record<string, string>> = {
  plain: 'plain',
  'scram-sha-256': 'scram256',
  'scram-sha-512': 'scram512',
  oauthbearer: 'oauthBearer',
}

const require = createRequire(import.meta.url)

/**
 * kafkajs treats every failure while it signs in as a refusal that ends its client permanently, even where a broker only
 * restarts in the meantime. A failure that is not a refusal of the broker is a lost connection here, and is retried like
 * any other.
 */
function outlivingLostConnections(options: SASLOptions): Mechanism {
  const file = MECHANISM_FILES[options.mechanism] ?? options.mechanism
  const open = require(`kafkajs/src/broker/saslAuthenticator/${file}.js`) as (sasl: SASLOptions) => Provider
  const provider = open(options)
  return {
    mechanism: options.mechanism,
    authenticationProvider: (args) => ({
      authenticate: async () => {
        try {
          await provider(args).authenticate()
        } catch (error) {
          if (!(error instanceof Error) || refusalOf(error) !== undefined) throw error
          throw new kafkajs.KafkaJSConnectionError(error.message, { broker: `${args.host}:${args.port}` })
        }
      },
    }),
  }
}
