import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Authority, opensslMissing } from '../../test/support/servers/certificates.ts'
import { ConfigError, loadSettings } from './config.ts'
import { EXIT } from './exit.ts'
import { kafkaOf } from './kafka.ts'
import { silentLogger } from '../../pipelines/logger.ts'

const dir = mkdtempSync(join(tmpdir(), 'hivemeter-security-'))
after(() => rmSync(dir, { recursive: true }))
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}
const password = file('password', 'a secret\n')
const empty = file('empty', '\n')
const noPem = file('no.pem', 'not a certificate\n')

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadSettings({ environment })
    return []
  } catch (error) {
    assert(error instanceof ConfigError)
    assert.equal(error.exitCode, EXIT.configuration)
    return error.problems
  }
}

const SCRAM = { HIVEMETER_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', HIVEMETER_KAFKA_USER: 'u' }

describe('settings of TLS, users and secrets', () => {
  it('name each combination that cannot work', () => {
    const cases: readonly [Record<string, string>, RegExp][] = [
      [
        { HIVEMETER_KAFKA_TLS: 'on', HIVEMETER_KAFKA_CA_FILE: '/nowhere/ca.pem' },
        /^The file of HIVEMETER_KAFKA_CA_FILE cannot be used: ENOENT.*\/nowhere\/ca\.pem/,
      ],
      [
        { HIVEMETER_KAFKA_CA_FILE: password },
        /^HIVEMETER_KAFKA_CA_FILE is set, but HIVEMETER_KAFKA_TLS is off/,
      ],
      [
        { HIVEMETER_KAFKA_SERVER_NAME: 'kafka' },
        /^HIVEMETER_KAFKA_SERVER_NAME is set, but HIVEMETER_KAFKA_TLS is off/,
      ],
      [
        { HIVEMETER_KAFKA_TLS: 'on', HIVEMETER_KAFKA_KEY_FILE: password },
        /^HIVEMETER_KAFKA_KEY_FILE is set without HIVEMETER_KAFKA_CERTIFICATE_FILE/,
      ],
      [
        { HIVEMETER_KAFKA_TLS: 'on', HIVEMETER_KAFKA_CERTIFICATE_FILE: password },
        /^HIVEMETER_KAFKA_CERTIFICATE_FILE is set without HIVEMETER_KAFKA_KEY_FILE/,
      ],
      [
        { HIVEMETER_KAFKA_TLS: 'on', HIVEMETER_KAFKA_CA_FILE: noPem },
        /^What the files of HIVEMETER_KAFKA_CA_FILE hold cannot be used: .*no\.pem holds no PEM/,
      ],
      [
        SCRAM,
        /^HIVEMETER_KAFKA_PASSWORD_FILE is missing: HIVEMETER_KAFKA_SASL_MECHANISM SCRAM-SHA-512 needs it/,
      ],
      [
        { ...SCRAM, HIVEMETER_KAFKA_PASSWORD_FILE: empty },
        /^The file of HIVEMETER_KAFKA_PASSWORD_FILE cannot be used: .*empty is empty/,
      ],
      [
        { HIVEMETER_KAFKA_PASSWORD_FILE: password },
        /^HIVEMETER_KAFKA_PASSWORD_FILE is set, but HIVEMETER_KAFKA_SASL_MECHANISM is none/,
      ],
      [{ HIVEMETER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER' }, /^HIVEMETER_KAFKA_TOKEN_FILE is missing/],
      [
        { HIVEMETER_KAFKA_SASL_MECHANISM: 'PLAIN', HIVEMETER_KAFKA_PASSWORD_FILE: password },
        /^HIVEMETER_KAFKA_USER is missing/,
      ],
      [
        { HIVEMETER_CLICKHOUSE_CA_FILE: password },
        /^HIVEMETER_CLICKHOUSE_CA_FILE is set, but HIVEMETER_CLICKHOUSE_URL is not https/,
      ],
      [
        { HIVEMETER_CLICKHOUSE_PASSWORD: 'x', HIVEMETER_CLICKHOUSE_PASSWORD_FILE: password },
        /^HIVEMETER_CLICKHOUSE_PASSWORD and HIVEMETER_CLICKHOUSE_PASSWORD_FILE are both set/,
      ],
    ]
    for (const [environment, problem] of cases) {
      const [first = '', ...more] = problemsOf(environment)
      assert.match(first, problem)
      assert.deepEqual(more, [])
    }
  })

  it('refuse a key that is not the key of its certificate', { skip: opensslMissing() ?? false }, () => {
    const authority = new Authority(dir)
    const one = authority.sign('one')
    const other = authority.sign('other')
    const given = {
      HIVEMETER_KAFKA_TLS: 'on',
      HIVEMETER_KAFKA_CA_FILE: authority.certificate,
      HIVEMETER_KAFKA_CERTIFICATE_FILE: one.certificate,
    }
    assert.deepEqual(problemsOf({ ...given, HIVEMETER_KAFKA_KEY_FILE: one.key }), [])
    const [problem = ''] = problemsOf({ ...given, HIVEMETER_KAFKA_KEY_FILE: other.key })
    assert.match(
      problem,
      /^What the files of HIVEMETER_KAFKA_CERTIFICATE_FILE and HIVEMETER_KAFKA_KEY_FILE hold/,
    )
  })

  it('warn of users without TLS, but not on loopback', () => {
    const given = { ...SCRAM, HIVEMETER_KAFKA_PASSWORD_FILE: password }
    const warnings = (brokers: string, more: Record<string, string> = {}) =>
      loadSettings({ environment: { ...given, HIVEMETER_KAFKA_BROKERS: brokers, ...more } }).warnings
    for (const brokers of ['127.0.0.1:9092', 'localhost:1,[::1]:2', '127.0.0.9:1']) {
      assert.deepEqual(warnings(brokers), [])
    }
    assert.match(warnings('127.0.0.1:1,kafka:9092').join(), /SCRAM-SHA-512 without TLS, to .*kafka:9092/)
    assert.deepEqual(warnings('kafka:9092', { HIVEMETER_KAFKA_TLS: 'on' }), [])
  })

  it('take secrets from files, without the end of the line', async () => {
    const token = file('token', 'first\n')
    const { config } = loadSettings({
      environment: {
        HIVEMETER_CLICKHOUSE_PASSWORD_FILE: password,
        HIVEMETER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        HIVEMETER_KAFKA_TOKEN_FILE: token,
      },
    })
    assert.equal(config.clickhousePassword, 'a secret')
    const sasl = kafkaOf(config, 'test', silentLogger).security?.sasl
    assert(sasl?.mechanism === 'OAUTHBEARER')
    assert.equal(await sasl.token(), 'first')
    writeFileSync(token, 'second\n')
    assert.equal(await sasl.token(), 'second', 'a token that was renewed counts at once')
    rmSync(token)
    await assert.rejects(sasl.token(), /The token file .*token cannot be read/)
  })
})
