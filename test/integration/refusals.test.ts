import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { after, before, describe, it } from 'node:test'
import { checkClickhouseAccess, checkKafkaAccess } from '../../services/runtime/check-access.ts'
import { loadConfig } from '../../services/runtime/config.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { Authority, opensslMissing, pemOf } from '../support/servers/certificates.ts'
import { HttpsFront } from '../support/servers/https-front.ts'
import { Installation } from '../support/processes/installation.ts'
import { SecureKafka } from '../support/servers/secure-kafka.ts'
import { startService } from '../support/processes/service-process.ts'

const ENDS_WITHIN_MS = 60_000

describe('a server that is there and does not let us in', { skip: opensslMissing() ?? false }, () => {
  const cleanup = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'hivemeter-refusals-'))
  cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
  let kafka: SecureKafka
  let good: Record<string, string>
  let strangers: Authority

  before(async () => {
    kafka = await SecureKafka.start()
    cleanup.defer(() => kafka.dispose())
    good = kafka.settingsOf('hivemeter-settler', 'SCRAM-SHA-512')
    strangers = new Authority(dir, 'strangers')
  })
  after(() => cleanup.disposeAsync())

  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(good).filter(([name]) => !names.some((part) => name.includes(part))))

  async function kafkaSays(settings: Record<string, string>): Promise<string> {
    const error = await checkKafkaAccess(loadConfig({ environment: settings }))
    if (error === undefined) return 'let in'
    assert.equal(error.exitCode, EXIT.configuration)
    assert(!error.message.includes(kafka.password))
    return error.message
  }

  async function clickhouseSays(settings: Record<string, string>): Promise<string> {
    const error = await checkClickhouseAccess(loadConfig({ environment: settings }))
    return error?.message ?? 'let in'
  }

  it('is none where everything is right, and none where it is away', async () => {
    for (const proof of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'certificate'] as const) {
      assert.equal(await kafkaSays(kafka.settingsOf('hivemeter-settler', proof)), 'let in', proof)
    }
    assert.equal(await kafkaSays({ HIVEMETER_KAFKA_BROKERS: kafka.plainBroker }), 'let in')
    assert.equal(await kafkaSays({ ...good, HIVEMETER_KAFKA_BROKERS: '127.0.0.1:1' }), 'let in')
    assert.equal(await clickhouseSays({ HIVEMETER_CLICKHOUSE_URL: 'http://127.0.0.1:1' }), 'let in')
  })

  it('is let in by one broker of several, whatever another one says', async () => {
    const brokers = `${kafka.plainBroker},${kafka.broker}`
    assert.equal(await kafkaSays({ ...good, HIVEMETER_KAFKA_BROKERS: brokers }), 'let in')
  })

  it('says what Kafka minds, and what to do', async () => {
    const wrong = join(dir, 'wrong')
    writeFileSync(wrong, 'another-pass-word\n')
    const token = join(dir, 'token')
    writeFileSync(token, 'no token\n')
    const plain = { HIVEMETER_KAFKA_BROKERS: kafka.broker }
    const oauth = {
      ...without('USER', 'PASSWORD'),
      HIVEMETER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      HIVEMETER_KAFKA_TOKEN_FILE: token,
    }
    const certificates = kafka.settingsOf('hivemeter-settler', 'certificate')
    const stranger = strangers.sign('hivemeter-settler')
    const cases: readonly [Record<string, string>, RegExp][] = [
      [
        { ...good, HIVEMETER_KAFKA_PASSWORD_FILE: wrong },
        /password is wrong\. Check HIVEMETER_KAFKA_USER, what HIVEMETER_KAFKA_PASSWORD_FILE/,
      ],
      [
        { ...good, HIVEMETER_KAFKA_PASSWORD_FILE: wrong, HIVEMETER_KAFKA_SASL_MECHANISM: 'PLAIN' },
        /password is wrong/,
      ],
      [{ ...good, HIVEMETER_KAFKA_USER: 'nobody' }, /password is wrong/],
      [oauth, /do not take the token\. See that HIVEMETER_KAFKA_TOKEN_FILE/],
      [without('CA_FILE'), /not trusted here\. Set HIVEMETER_KAFKA_CA_FILE/],
      [
        { ...good, HIVEMETER_KAFKA_CA_FILE: strangers.certificate },
        /not trusted here\. Set HIVEMETER_KAFKA_CA_FILE/,
      ],
      [
        { ...good, HIVEMETER_KAFKA_SERVER_NAME: 'kafka.example' },
        /one for another name\. .*HIVEMETER_KAFKA_SERVER_NAME/,
      ],
      [plain, /speaks TLS only\. Set HIVEMETER_KAFKA_TLS=on/],
      [
        without('SASL', 'USER', 'PASSWORD'),
        /wants to know who this is \(SASL .*SCRAM-SHA-512.*Set HIVEMETER_KAFKA_SASL_MECHANISM/,
      ],
      [
        { ...good, HIVEMETER_KAFKA_BROKERS: kafka.plainBroker },
        /speaks no TLS\. Set HIVEMETER_KAFKA_BROKERS/,
      ],
      [
        { ...without('TLS', 'CA_FILE'), HIVEMETER_KAFKA_BROKERS: kafka.plainBroker },
        /knows no SASL\. Unset HIVEMETER_KAFKA_SASL_MECHANISM/,
      ],
      [
        { ...without('SASL', 'USER', 'PASSWORD'), HIVEMETER_KAFKA_BROKERS: kafka.certificateBroker },
        /wants a certificate of this client.*Set HIVEMETER_KAFKA_CERTIFICATE_FILE/,
      ],
      [
        {
          ...certificates,
          HIVEMETER_KAFKA_CERTIFICATE_FILE: stranger.certificate,
          HIVEMETER_KAFKA_KEY_FILE: stranger.key,
        },
        /wants a certificate of this client, or does not take the one/,
      ],
    ]
    for (const [settings, expected] of cases) assert.match(await kafkaSays(settings), expected)
  })

  it('tells a certificate that has expired from one that is not trusted', async () => {
    const server = createServer(pemOf(kafka.authority.sign('late', { expired: true })), () => {})
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const broker = `localhost:${(server.address() as AddressInfo).port}`
    assert.match(
      await kafkaSays({ ...good, HIVEMETER_KAFKA_BROKERS: broker }),
      new RegExp(`${broker}: Kafka's certificate has expired\\. Renew it on the server`),
    )
    server.close()
  })

  it('says what ClickHouse minds, and what to do', async () => {
    const target = process.env['HIVEMETER_CLICKHOUSE_URL'] ?? ''
    const front = await HttpsFront.start(target, kafka.authority.sign('clickhouse'))
    cleanup.defer(() => front.stop())
    const late = await HttpsFront.start(target, kafka.authority.sign('late-clickhouse', { expired: true }))
    cleanup.defer(() => late.stop())
    const other = await HttpsFront.start(
      target,
      kafka.authority.sign('other', { host: 'clickhouse.example' }),
    )
    cleanup.defer(() => other.stop())
    const trusted = { HIVEMETER_CLICKHOUSE_CA_FILE: kafka.authority.certificate }
    const at = (url: string, more: Record<string, string> = {}) =>
      clickhouseSays({ HIVEMETER_CLICKHOUSE_URL: url, HIVEMETER_CLICKHOUSE_DATABASE: 'default', ...more })
    assert.equal(await at(`https://localhost:${front.port}`, trusted), 'let in')
    assert.match(
      await at(`https://localhost:${front.port}`),
      /not trusted here\. Set HIVEMETER_CLICKHOUSE_CA_FILE/,
    )
    assert.match(
      await at(`https://localhost:${front.port}`, { HIVEMETER_CLICKHOUSE_CA_FILE: strangers.certificate }),
      /not trusted here/,
    )
    assert.match(await at(`https://localhost:${late.port}`, trusted), /ClickHouse's certificate has expired/)
    assert.match(
      await at(`https://localhost:${other.port}`, trusted),
      /one for another name\. Use the address/,
    )
    assert.match(
      await at(`http://localhost:${front.port}`),
      /speaks TLS only\. Set HIVEMETER_CLICKHOUSE_URL to https/,
    )
    assert.match(await at(target.replace('http:', 'https:')), /speaks no TLS\. Set HIVEMETER_CLICKHOUSE_URL/)
    const wrong = {
      ...trusted,
      HIVEMETER_CLICKHOUSE_USER: 'nobody',
      HIVEMETER_CLICKHOUSE_PASSWORD: 'no-pass-word',
    }
    const refused = await at(`https://localhost:${front.port}`, wrong)
    assert.match(refused, /password is wrong\. Check HIVEMETER_CLICKHOUSE_USER/)
    assert(!refused.includes('no-pass-word'))
  })

  it('ends a service with 78 and one line, and shows no secret', async () => {
    const wrong = join(dir, 'wrong-again')
    writeFileSync(wrong, 'another-pass-word\n')
    const installation = new Installation({ name: 'refusals', brokers: [kafka.plainBroker] }, dir)
    cleanup.defer(() => installation.clickhouse.close())
    for (const name of ['gateway', 'settler'] as const) {
      const service = await startService(installation, name, {
        settings: { ...good, HIVEMETER_KAFKA_PASSWORD_FILE: wrong, HIVEMETER_LOG_LEVEL: 'debug' },
      })
      cleanup.defer(() => service.kill())
      assert(await service.endsWithin(ENDS_WITHIN_MS), `${name} goes on:\n${service.lastWords}`)
      assert.equal(service.ended, EXIT.configuration, service.lastWords)
      assert.match(
        service.lastWords,
        new RegExp(
          `^hivemeter ${name}: Kafka at localhost:\\d+ does not let this process in: .*password is wrong`,
          'm',
        ),
      )
      assert(!service.lastWords.includes('another-pass-word'))
    }
  })
})
