import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '../../../infra/local/kafka/start.ts'
import type { LocalKafka } from '../../../infra/local/kafka/start.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { PRINCIPALS } from '../../../schemas/rights.ts'
import { Authority } from './certificates.ts'
import { freePort } from '../processes/service-process.ts'

/** How a process authenticates. */
export type Proof = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | 'certificate'

/** What the authorizer wrote about one check of the rights. */
export interface Audited {
  readonly principal: string
  readonly allowed: boolean
  readonly operation: string
  /** "Topic:LITERAL:usage.metered" */
  readonly resource: string
  /** The right that allowed it, as `operation resource`; undefined where none did. */
  readonly rule: string | undefined
}

/** How long a session lasts: kafkajs authenticates again 10 s before the end, so about each half of this. */
const SESSION_MS = 20_000
const TOKEN_LIFE_S = 3_600

const AUDIT =
  /Principal = (\S+) is (Allowed|Denied) operation = (\w+) from host = \S+ on resource = (\S+) for request = (.*)/
const RULE =
  /MatchingAcl\(acl=StandardAcl\[resourceType=(\w+), resourceName=(\S+), patternType=(\w+), .*operation=(\w+)/

/**
 * A Kafka for one test, with an authorizer: TLS on every port that clients use, and a user without rights may do nothing.
 * Its plain port is that of the broker itself, which may do everything.
 */
export class SecureKafka {
  /** TLS, then SASL. */
  readonly broker: string
  /** TLS, with a certificate of the client. */
  readonly certificateBroker: string
  /** The broker's own port, plain and without limits. */
  readonly plainBroker: string
  readonly authority: Authority
  readonly dir: string
  readonly password = 'pass-word-of-this-test'
  readonly #kafka: LocalKafka

  private constructor(kafka: LocalKafka, dir: string, authority: Authority, ports: Ports) {
    this.#kafka = kafka
    this.dir = dir
    this.authority = authority
    this.plainBroker = `127.0.0.1:${ports.plain}`
    this.broker = `localhost:${ports.sasl}`
    this.certificateBroker = `localhost:${ports.certificate}`
    writeFileSync(join(dir, 'password'), `${this.password}\n`)
  }

  static async start(): Promise<SecureKafka> {
    const dir = mkdtempSync(join(tmpdir(), 'hivemeter-secure-'))
    const authority = new Authority(dir)
    const ports = {
      plain: await freePort(),
      controller: await freePort(),
      sasl: await freePort(),
      certificate: await freePort(),
    }
    const kafka = await startKafka({
      dataDir: dir,
      port: ports.plain,
      controllerPort: ports.controller,
      settings: settingsOf(ports, dir, authority),
      formatArguments: USERS.flatMap((user) =>
        ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
          (mechanism) => `--add-scram=${mechanism}=[name=${user},password=pass-word-of-this-test]`,
        ),
      ),
      javaOptions: ['-Dkafka.authorizer.level=debug'],
    })
    return new SecureKafka(kafka, dir, authority, ports)
  }

  /** The settings of a process that runs as `user`. */
  settingsOf(user: string, proof: Proof): Record<string, string> {
    const tls = { HIVEMETER_KAFKA_TLS: 'on', HIVEMETER_KAFKA_CA_FILE: this.authority.certificate }
    if (proof === 'certificate') {
      const { certificate, key } = this.authority.sign(user)
      return {
        ...tls,
        HIVEMETER_KAFKA_BROKERS: this.certificateBroker,
        HIVEMETER_KAFKA_CERTIFICATE_FILE: certificate,
        HIVEMETER_KAFKA_KEY_FILE: key,
      }
    }
    const secret =
      proof === 'OAUTHBEARER'
        ? { HIVEMETER_KAFKA_TOKEN_FILE: this.#tokenOf(user) }
        : { HIVEMETER_KAFKA_USER: user, HIVEMETER_KAFKA_PASSWORD_FILE: join(this.dir, 'password') }
    return {
      ...tls,
      ...secret,
      HIVEMETER_KAFKA_BROKERS: this.broker,
      HIVEMETER_KAFKA_SASL_MECHANISM: proof,
    }
  }

  /**
   * Every check of clients' rights so far, also in the log files that were rolled over: the oldest has the lowest number.
   */
  audit(): Audited[] {
    const files = ['kafka.log.1', 'kafka.log.2', 'kafka.log.3', 'kafka.log'].map((name) =>
      join(this.dir, name),
    )
    const log = files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('')
    return log.split('\n').flatMap((line) => {
      const [, principal = '', verdict, operation = '', resource = '', why = ''] = AUDIT.exec(line) ?? []
      if (verdict === undefined || SUPER.includes(principal)) return []
      const [, type, name, pattern, granted] = RULE.exec(why) ?? []
      const rule = type === undefined ? undefined : `${granted} ${type} ${pattern} ${name}`
      return [{ principal, allowed: verdict === 'Allowed', operation, resource, rule }]
    })
  }

  async dispose(): Promise<void> {
    await this.#kafka.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** A token as Kafka's unsecured validator accepts it: it trusts every writer of one. */
  #tokenOf(user: string): string {
    const nowS = Math.floor(systemClock.nowMs() / 1_000)
    const parts = [{ alg: 'none' }, { sub: user, iat: nowS - 1, exp: nowS + TOKEN_LIFE_S }]
    const file = join(this.dir, `${user}.token`)
    const encoded = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    writeFileSync(file, `${encoded.join('.')}.\n`)
    return file
  }
}

interface Ports {
  readonly plain: number
  readonly controller: number
  readonly sasl: number
  readonly certificate: number
}

const USERS = ['admin', ...PRINCIPALS.map((service) => `hivemeter-${service}`)]
const SUPER = ['User:ANONYMOUS', 'User:admin']
const MODULES = 'org.apache.kafka.common.security'

function settingsOf(ports: Ports, dir: string, authority: Authority): Record<string, string> {
  const server = authority.sign('broker')
  const keystore = join(dir, 'keystore.pem')
  writeFileSync(keystore, readFileSync(server.key, 'utf8') + readFileSync(server.certificate, 'utf8'))
  const plainUsers = USERS.map((user) => `user_${user}="pass-word-of-this-test"`).join(' ')
  const sasl = (mechanism: string, rest: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [`listener.name.secure.${mechanism}.${name}`, value]),
    )
  const listeners = `SECURE://127.0.0.1:${ports.sasl},CERTIFICATES://127.0.0.1:${ports.certificate}`
  return {
    listeners: `PLAINTEXT://127.0.0.1:${ports.plain},${listeners},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.plain},${listeners.replaceAll('127.0.0.1', 'localhost')}`,
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,CERTIFICATES:SSL',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': SUPER.join(';'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.certificate,
    'listener.name.certificates.ssl.client.auth': 'required',
    'listener.name.certificates.ssl.principal.mapping.rules': 'RULE:^CN=(.*)$/$1/',
    'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.secure.connections.max.reauth.ms': String(SESSION_MS),
    ...sasl('plain', { 'sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required ${plainUsers};` }),
    ...sasl('scram-sha-256', { 'sasl.jaas.config': `${MODULES}.scram.ScramLoginModule required;` }),
    ...sasl('scram-sha-512', { 'sasl.jaas.config': `${MODULES}.scram.ScramLoginModule required;` }),
    ...sasl('oauthbearer', {
      'sasl.jaas.config': `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="kafka";`,
      'sasl.server.callback.handler.class': `${MODULES}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
    }),
  }
}
