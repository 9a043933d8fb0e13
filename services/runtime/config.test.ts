import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { environmentExample } from './config-example.ts'
import { CONFIG_KEYS, settingOf, variableOf } from './config-schema.ts'
import { ConfigError, LOCAL_PASSWORD_FILE, loadConfig, loadSettings } from './config.ts'
import { EXIT } from './exit.ts'
import { overrideProblems, rulesOf } from './rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-config-'))
after(() => rmSync(folder, { recursive: true }))

function fileOf(content: unknown): string {
  const file = join(folder, 'settings.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

function problemsOf(environment: Record<string, string>, file?: string): readonly string[] {
  try {
    loadSettings({ environment, file, check: overrideProblems })
  } catch (error) {
    assert(error instanceof ConfigError)
    assert.equal(error.exitCode, EXIT.configuration)
    return error.problems
  }
  return []
}

describe('settings', () => {
  it('have defaults that pass their own checks', () => {
    const { config, sources } = loadSettings({ environment: {} })
    assert.equal(config.readerPort, 4680)
    assert.deepEqual(config.kafkaBrokers, ['127.0.0.1:4692'])
    assert(CONFIG_KEYS.every((key) => sources[key] === 'default'))
    assert(CONFIG_KEYS.every((key) => settingOf(key).description.length > 10))
  })

  it('take the file over the default and the environment over the file', () => {
    const file = fileOf({ partitions: 8, readerPort: 5000, kafkaBrokers: 'a:1, b:2' })
    const { config, sources } = loadSettings({ file, environment: { HIVEMETER_READER_PORT: '6000' } })
    assert.deepEqual([config.partitions, config.readerPort, config.gatewayPort], [8, 6000, 4681])
    assert.deepEqual(config.kafkaBrokers, ['a:1', 'b:2'])
    assert.deepEqual(
      [sources.partitions, sources.readerPort, sources.gatewayPort],
      ['file', 'environment', 'default'],
    )
  })

  it('take the password that npm start made, for its own ClickHouse alone', () => {
    const file = join(folder, LOCAL_PASSWORD_FILE)
    writeFileSync(file, 'made at the first start\n')
    const HIVEMETER_DATA_DIR = folder
    const passwordOf = (environment: Record<string, string>) =>
      loadSettings({ environment: { HIVEMETER_DATA_DIR, ...environment } }).config.clickhousePassword
    assert.equal(passwordOf({}), 'made at the first start')
    assert.equal(passwordOf({ HIVEMETER_CLICKHOUSE_PASSWORD: 'given' }), 'given')
    assert.equal(passwordOf({ HIVEMETER_CLICKHOUSE_URL: 'http://127.0.0.1:8123' }), '')
    rmSync(file)
    assert.equal(passwordOf({}), '')
  })

  it('take the addresses of several replicas only with the name of their cluster', () => {
    const HIVEMETER_CLICKHOUSE_URL = 'http://a:8123,http://b:8123'
    const [problem] = problemsOf({ HIVEMETER_CLICKHOUSE_URL })
    assert.match(problem ?? '', /names several addresses, .*Name the cluster in HIVEMETER_CLICKHOUSE_CLUSTER/)
    const { config } = loadSettings({
      environment: { HIVEMETER_CLICKHOUSE_URL, HIVEMETER_CLICKHOUSE_CLUSTER: 'hive-1' },
    })
    assert.deepEqual([config.clickhouseUrl, config.clickhouseCluster], [HIVEMETER_CLICKHOUSE_URL, 'hive-1'])
    for (const cluster of ['a`b', 'a b', '1a', 'a.b']) {
      assert.match(
        problemsOf({ HIVEMETER_CLICKHOUSE_CLUSTER: cluster })[0] ?? '',
        /HIVEMETER_CLICKHOUSE_CLUSTER/,
      )
    }
    for (const url of ['http://a:8123,', 'http://a:8123, http://b:8123', 'http://a:8123,b:8123']) {
      assert.match(problemsOf({ HIVEMETER_CLICKHOUSE_URL: url })[0] ?? '', /HIVEMETER_CLICKHOUSE_URL/)
    }
  })

  it('find the file through the environment, the argument first', () => {
    const file = fileOf({ partitions: 8 })
    assert.equal(loadSettings({ environment: { HIVEMETER_CONFIG_FILE: file } }).config.partitions, 8)
    assert.equal(
      loadSettings({ file, environment: { HIVEMETER_CONFIG_FILE: '/nowhere' } }).config.partitions,
      8,
    )
  })

  it('let addresses that nobody gave follow the local ports', () => {
    const environment = { HIVEMETER_KAFKA_PORT: '26300', HIVEMETER_CLICKHOUSE_PORT: '26302' }
    const { config } = loadSettings({ environment })
    assert.deepEqual(
      [config.kafkaBrokers, config.clickhouseUrl],
      [['127.0.0.1:26300'], 'http://127.0.0.1:26302'],
    )
  })

  it('keep the id key in the data folder unless told otherwise', () => {
    assert.equal(loadSettings({ environment: { HIVEMETER_DATA_DIR: '/d' } }).config.idKeyFile, '/d/id.key')
    assert.equal(loadSettings({ environment: { HIVEMETER_ID_KEY_FILE: '/k' } }).config.idKeyFile, '/k')
    const { cursorKeyFile } = loadSettings({ environment: { HIVEMETER_DATA_DIR: '/d' } }).config
    assert.equal(cursorKeyFile, '/d/cursor.key')
  })

  it('are frozen', () => {
    const { config } = loadSettings({ environment: {} })
    assert(Object.isFrozen(config) && Object.isFrozen(config.kafkaBrokers))
  })

  it('name the nearest known setting for an unknown one, in a file and in the environment', () => {
    const file = fileOf({ redaerPort: 1 })
    assert.deepEqual(problemsOf({ HIVEMETER_KAFKA_BROKER: 'a:1', OTHER: 'x' }, file), [
      `Unknown setting "redaerPort" in ${file}. Did you mean "readerPort"? Rename or remove it.`,
      'Unknown environment variable HIVEMETER_KAFKA_BROKER. Did you mean HIVEMETER_KAFKA_BROKERS? Rename or unset it.',
    ])
  })

  it('say of a wrong value what, where and what to do, all at once', () => {
    assert.deepEqual(problemsOf({ HIVEMETER_READER_PORT: '46.5', HIVEMETER_LOG_LEVEL: 'loud' }), [
      "The value '46.5' of environment variable HIVEMETER_READER_PORT does not fit. Give a whole number from 1 to 65535. Without it: 4680.",
      'The value \'loud\' of environment variable HIVEMETER_LOG_LEVEL does not fit. Give one that fits: Lowest level that is logged: debug, info, warn or error. Without it: "info".',
    ])
  })

  it('refuse a file that is missing, no JSON or no object', () => {
    assert.match(problemsOf({}, '/nowhere.json')[0] ?? '', /\/nowhere\.json cannot be read: ENOENT/)
    assert.match(problemsOf({}, fileOf('{'))[0] ?? '', /cannot be read: .*JSON/)
    assert.match(problemsOf({}, fileOf([]))[0] ?? '', /holds no JSON object/)
  })

  it('keep gateway and reader on loopback where they ask for no keys', () => {
    assert.deepEqual(problemsOf({ HIVEMETER_GATEWAY_HOST: '0.0.0.0' }), [])
    assert.deepEqual(problemsOf({ HIVEMETER_ACCESS: 'off', HIVEMETER_GATEWAY_HOST: '0.0.0.0' }), [
      'HIVEMETER_GATEWAY_HOST is 0.0.0.0, but a server that asks for no keys (HIVEMETER_ACCESS=off) listens on loopback only. Set it to 127.0.0.1.',
    ])
  })

  it('refuse to wait for more copies than there are', () => {
    assert.deepEqual(problemsOf({ HIVEMETER_REPLICATION_FACTOR: '3', HIVEMETER_MIN_INSYNC_REPLICAS: '4' }), [
      'HIVEMETER_MIN_INSYNC_REPLICAS is 4, but there are only 3 copies (HIVEMETER_REPLICATION_FACTOR): nothing could be written. Lower it, or give more copies.',
    ])
  })

  it('take the variables of the original as overrides for every node', () => {
    const config = loadConfig({
      environment: {
        HEVOLVE_ALLOW_METERED_HIVE: 'Yes',
        HEVOLVE_METERED_DAILY_LIMIT: '5.00',
        HEVOLVE_COMPUTE_POLICY: 'local_only',
        HIVEMETER_SETTING_OVERRIDES: '{"max_hive_gpu_pct": 80}',
        HEVOLVE_SPARK_PER_USD: '200',
        HEVOLVE_STALE_THRESHOLD: '60',
      },
    })
    assert.deepEqual([config.sparkPerUsd, config.staleAfterS], [200, 60])
    assert.deepEqual(rulesOf(config).overrides, [
      { name: 'compute_policy', value: 'local_only' },
      { name: 'max_hive_gpu_pct', value: 80 },
      { name: 'allow_metered_for_hive', value: true },
      { name: 'metered_daily_limit_usd', value: 5_000_000_000 },
    ])
    assert.match(problemsOf({ HEVOLVE_MAX_HIVE_GPU_PCT: 'many' })[0] ?? '', /max_hive_gpu_pct: Must be/)
    assert.match(problemsOf({ HIVEMETER_SETTING_OVERRIDES: '{"gpu":1}' })[0] ?? '', /gpu: Is no setting/)
  })

  it('refuse one port for two servers', () => {
    assert.deepEqual(problemsOf({ HIVEMETER_READER_PORT: '4681' }), [
      'HIVEMETER_READER_PORT and HIVEMETER_GATEWAY_PORT are both 4681. Give each a port of its own.',
    ])
  })

  it('read any whole number in bounds and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 70_000 }), (port) => {
        const environment = { HIVEMETER_OPS_HOST: '::1', HIVEMETER_READER_PORT: String(port) }
        const { config } = loadSettings({ environment: {} })
        const taken = CONFIG_KEYS.some((key) => key !== 'readerPort' && config[key] === port)
        fc.pre(!taken)
        assert.equal(problemsOf(environment).length, port >= 1 && port <= 65_535 ? 0 : 1)
      }),
    )
  })

  it('stand in .env.example, made from the schema', () => {
    const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    assert.equal(example, environmentExample(), 'run: node services/runtime/config-example.ts > .env.example')
    for (const key of CONFIG_KEYS) assert(example.includes(`#${variableOf(key)}=`))
  })
})
