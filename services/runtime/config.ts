import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Value } from 'typebox/value'
import { CONFIG_KEYS, CONFIG_SCHEMA, INTERNAL_VARIABLES, settingOf, variableOf } from './config-schema.ts'
import type { Config, ConfigKey } from './config-schema.ts'
import { LOOPBACK, checkSecurity, readSecret, securityWarnings } from './config-security.ts'
import { EXIT, ExitError } from './exit.ts'
import { nearest } from './nearest.ts'
import { ORIGINAL_VARIABLES, withOriginalOverrides } from './setting-overrides.ts'

/** In the data folder: the password of the ClickHouse that `npm start` starts. */
export const LOCAL_PASSWORD_FILE = 'clickhouse.password'

export type { Config, ConfigKey } from './config-schema.ts'

/** Where the value of a setting came from. */
export type Source = 'default' | 'file' | 'environment'

export interface Settings {
  readonly config: Config
  readonly sources: Readonly<Record<ConfigKey, Source>>
  /** What works and is most likely not intended: one line each, to be shown at the start. */
  readonly warnings: readonly string[]
  /** Set by a supervisor through HIVEMETER_WATCH_PARENT=1: end when standard input closes. */
  readonly watchParent: boolean
}

export interface ConfigInput {
  /** The file named by `--config`; without it the one of HIVEMETER_CONFIG_FILE; without both, none. */
  readonly file?: string | undefined
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** What the caller finds wrong in addition to what every process checks, in words. */
  readonly check?: (config: Config) => readonly string[]
}

/** The settings are wrong: one line for each problem, with what is wrong, where, and what to do. */
export class ConfigError extends ExitError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(EXIT.configuration, problems.join('\n'))
    this.problems = problems
  }
}

interface Draft {
  readonly values: Map<ConfigKey, unknown>
  readonly sources: Map<ConfigKey, Source>
  readonly problems: string[]
}

/**
 * A setting given as text, converted to the type of its schema. Text that does not fit stays as it is and fails the check.
 */
function fromText(key: ConfigKey, given: string): unknown {
  const { type } = settingOf(key)
  if (type === 'integer') return /^-?\d{1,15}$/.test(given) ? Number(given) : given
  if (type === 'array') return given.split(',').map((part) => part.trim())
  return given
}

function isKey(name: string): name is ConfigKey {
  return (CONFIG_KEYS as readonly string[]).includes(name)
}

function readFile(draft: Draft, file: string): void {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    draft.problems.push(
      `The configuration file ${file} cannot be read: ${reason}. Give a JSON object of settings.`,
    )
    return
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    draft.problems.push(`The configuration file ${file} holds no JSON object. Give an object of settings.`)
    return
  }
  for (const [name, value] of Object.entries(parsed)) {
    if (!isKey(name)) {
      draft.problems.push(
        `Unknown setting "${name}" in ${file}. Did you mean "${nearest(name, CONFIG_KEYS)}"? Rename or remove it.`,
      )
      continue
    }
    const isList = name === 'kafkaBrokers' && typeof value === 'string'
    draft.values.set(name, isList ? fromText(name, value) : value)
    draft.sources.set(name, 'file')
  }
}

function readEnvironment(draft: Draft, environment: Readonly<Record<string, string | undefined>>): void {
  const keys = new Map(CONFIG_KEYS.map((key) => [variableOf(key), key]))
  const known: readonly string[] = [...keys.keys(), ...INTERNAL_VARIABLES]
  for (const [name, key] of Object.entries(ORIGINAL_VARIABLES)) {
    const text = environment[name]
    if (text === undefined) continue
    draft.values.set(key, fromText(key, text))
    draft.sources.set(key, 'environment')
  }
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('HIVEMETER_') || value === undefined) continue
    const key = keys.get(name)
    if (key !== undefined) {
      draft.values.set(key, fromText(key, value))
      draft.sources.set(key, 'environment')
    } else if (!known.includes(name)) {
      draft.problems.push(
        `Unknown environment variable ${name}. Did you mean ${nearest(name, known)}? Rename or unset it.`,
      )
    }
  }
}

function where(key: ConfigKey, source: Source | undefined, file: string | undefined): string {
  if (source === 'environment') return `environment variable ${variableOf(key)}`
  return source === 'file' ? `"${key}" in ${file}` : `default of ${key}`
}

/** Checks each value against the schema: one line per setting, naming the bounds and the default. */
function checkValues(draft: Draft, file: string | undefined): void {
  for (const key of CONFIG_KEYS) {
    const value = draft.values.get(key)
    if (Value.Check(CONFIG_SCHEMA.properties[key], value)) continue
    const setting = settingOf(key)
    const wanted =
      setting.minimum === undefined
        ? `one that fits: ${setting.description}`
        : `a whole number from ${setting.minimum} to ${setting.maximum}.`
    const given = Array.isArray(value) ? value.join(',') : inspect(value)
    draft.problems.push(
      `The value ${given} of ${where(key, draft.sources.get(key), file)} does not fit. ` +
        `Give ${wanted} Without it: ${JSON.stringify(setting.default)}.`,
    )
  }
}

/**
 * What the check of a single setting cannot find: two equal ports, or a server that can be reached from outside while
 * there are no keys.
 */
function checkAcross(config: Config): string[] {
  const problems: string[] = []
  for (const key of ['readerHost', 'gatewayHost'] as const) {
    if (config.access === 'required' || LOOPBACK.has(config[key])) continue
    problems.push(
      `${variableOf(key)} is ${config[key]}, but a server that asks for no keys (HIVEMETER_ACCESS=off) listens on loopback only. Set it to 127.0.0.1.`,
    )
  }
  if (config.corsOrigins === '*' && config.access === 'off') {
    problems.push(
      `${variableOf('corsOrigins')} is *, but a server that asks for no keys (HIVEMETER_ACCESS=off) would let every web page on this machine in. Name the origins.`,
    )
  }
  if (config.minInsyncReplicas > config.replicationFactor) {
    problems.push(
      `${variableOf('minInsyncReplicas')} is ${config.minInsyncReplicas}, but there are only ${config.replicationFactor} copies (${variableOf('replicationFactor')}): nothing could be written. Lower it, or give more copies.`,
    )
  }
  for (const key of ['jwtIssuer', 'jwtAudience'] as const) {
    if (config.jwtKeyFile !== '' && config[key] === '')
      problems.push(`${variableOf(key)} is missing: with HIVEMETER_JWT_KEY_FILE a token must name it.`)
  }
  if (config.clickhouseCluster === '' && config.clickhouseUrl.includes(',')) {
    problems.push(
      `${variableOf('clickhouseUrl')} names several addresses, those of the replicas of a cluster. Name the cluster in ${variableOf('clickhouseCluster')}, or one address.`,
    )
  }
  const owners = new Map<number, ConfigKey>()
  for (const key of CONFIG_KEYS.filter((name) => name.endsWith('Port'))) {
    const port = Number(config[key])
    const owner = owners.get(port)
    if (owner === undefined) owners.set(port, key)
    else {
      problems.push(
        `${variableOf(owner)} and ${variableOf(key)} are both ${port}. Give each a port of its own.`,
      )
    }
  }
  return problems
}

/**
 * Reads the settings: the defaults, over them the file, over it the environment; then converts, checks and freezes them.
 * Addresses that are not set follow the local ports; the keys in files and the password of the local ClickHouse are in
 * the data folder. Throws a ConfigError (exit 78) that names every problem at once.
 */
export function loadSettings(input: ConfigInput = {}): Settings {
  const environment = input.environment ?? process.env
  const file = input.file ?? environment['HIVEMETER_CONFIG_FILE']
  const draft: Draft = { values: new Map(), sources: new Map(), problems: [] }
  for (const key of CONFIG_KEYS) {
    draft.values.set(key, structuredClone(settingOf(key).default))
    draft.sources.set(key, 'default')
  }
  if (file !== undefined) readFile(draft, file)
  readEnvironment(draft, environment)
  if (draft.sources.get('kafkaBrokers') === 'default') {
    draft.values.set('kafkaBrokers', [`127.0.0.1:${String(draft.values.get('kafkaPort'))}`])
  }
  if (draft.sources.get('clickhouseUrl') === 'default') {
    draft.values.set('clickhouseUrl', `http://127.0.0.1:${String(draft.values.get('clickhousePort'))}`)
    takeLocalPassword(draft)
  }
  for (const [key, name] of [
    ['idKeyFile', 'id.key'],
    ['cursorKeyFile', 'cursor.key'],
  ] as const) {
    if (draft.sources.get(key) === 'default')
      draft.values.set(key, join(String(draft.values.get('dataDir')), name))
  }
  draft.values.set(
    'settingOverrides',
    withOriginalOverrides(String(draft.values.get('settingOverrides')), environment),
  )
  checkValues(draft, file)
  if (draft.problems.length > 0) throw new ConfigError(draft.problems)

  const given = Object.fromEntries(draft.values) as unknown as Config
  const problems = [...checkAcross(given), ...checkSecurity(given), ...(input.check?.(given) ?? [])]
  if (problems.length > 0) throw new ConfigError(problems)
  const config = Object.freeze(withSecrets(given))
  Object.freeze(config.kafkaBrokers)
  return {
    config,
    warnings: securityWarnings(config),
    sources: Object.freeze(Object.fromEntries(draft.sources) as Record<ConfigKey, Source>),
    watchParent: environment['HIVEMETER_WATCH_PARENT'] === '1',
  }
}

/** The ClickHouse of `npm start` has a password that its first start made, so nobody needs to set one. */
function takeLocalPassword({ sources, values }: Draft): void {
  const file = join(String(values.get('dataDir')), LOCAL_PASSWORD_FILE)
  const isGiven = (['clickhousePassword', 'clickhousePasswordFile'] as const).some(
    (key) => sources.get(key) !== 'default',
  )
  if (!isGiven && existsSync(file)) values.set('clickhousePasswordFile', file)
}

/** After this point the code does not distinguish where the password of ClickHouse came from. */
function withSecrets(config: Config): Config {
  const { clickhousePasswordFile: file } = config
  return file === '' ? config : { ...config, clickhousePassword: readSecret(file) }
}

/** The settings alone; see `loadSettings`. */
export function loadConfig(input: ConfigInput = {}): Config {
  return loadSettings(input).config
}
