import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Config, ConfigKey } from './config-schema.ts'
import { variableOf } from './config-schema.ts'

/** Hosts that can be reached from this machine only. */
export const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

const PASSWORD_MECHANISMS: ReadonlySet<string> = new Set(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])

/** Files that a setting may name and that must exist when a process starts. */
const FILES = [
  'kafkaCaFile',
  'kafkaCertificateFile',
  'kafkaKeyFile',
  'kafkaPasswordFile',
  'kafkaTokenFile',
  'clickhousePasswordFile',
  'clickhouseCaFile',
] as const satisfies readonly ConfigKey[]

/** The secret that a file holds: its text without the line end. Throws where the file cannot be read or is empty. */
export function readSecret(file: string): string {
  const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  if (secret === '') throw new Error(`${file} is empty`)
  return secret
}

/** Every combination of the settings for TLS, users and secrets that cannot work: what is wrong, and what to do. */
export function checkSecurity(config: Config): string[] {
  const problems = FILES.flatMap((key) => fileProblem(config, key))
  const say = (problem: string): void => void problems.push(problem)
  const name = variableOf
  for (const key of ['kafkaCaFile', 'kafkaCertificateFile', 'kafkaKeyFile', 'kafkaServerName'] as const) {
    if (config[key] !== '' && config.kafkaTls === 'off')
      say(`${name(key)} is set, but ${name('kafkaTls')} is off. Set it to on, or unset ${name(key)}.`)
  }
  for (const [has, lacks] of [
    ['kafkaKeyFile', 'kafkaCertificateFile'],
    ['kafkaCertificateFile', 'kafkaKeyFile'],
  ] as const) {
    if (config[has] !== '' && config[lacks] === '')
      say(`${name(has)} is set without ${name(lacks)}. Give both, or neither.`)
  }
  problems.push(...saslProblems(config))
  if (config.clickhouseCaFile !== '' && !config.clickhouseUrl.startsWith('https://'))
    say(
      `${name('clickhouseCaFile')} is set, but ${name('clickhouseUrl')} is not https://. Change one of them.`,
    )
  if (config.clickhousePasswordFile !== '' && config.clickhousePassword !== '')
    say(`${name('clickhousePassword')} and ${name('clickhousePasswordFile')} are both set. Keep one.`)
  return problems.length > 0 ? problems : pemProblems(config)
}

function saslProblems(config: Config): string[] {
  const mechanism = config.kafkaSaslMechanism
  const needed: readonly ConfigKey[] = PASSWORD_MECHANISMS.has(mechanism)
    ? ['kafkaUser', 'kafkaPasswordFile']
    : mechanism === 'OAUTHBEARER'
      ? ['kafkaTokenFile']
      : []
  return (['kafkaUser', 'kafkaPasswordFile', 'kafkaTokenFile'] as const).flatMap((key) => {
    const isNeeded = needed.includes(key)
    if (isNeeded === (config[key] !== '')) return []
    return isNeeded
      ? [`${variableOf(key)} is missing: ${variableOf('kafkaSaslMechanism')} ${mechanism} needs it.`]
      : [
          `${variableOf(key)} is set, but ${variableOf('kafkaSaslMechanism')} is ${mechanism} and does not use it. Unset it, or set the mechanism.`,
        ]
  })
}

function fileProblem(config: Config, key: (typeof FILES)[number]): string[] {
  if (config[key] === '') return []
  try {
    readSecret(config[key])
    return []
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [`The file of ${variableOf(key)} cannot be used: ${reason}. Put it there, or unset the setting.`]
  }
}

/** Certificates and keys that no TLS library would accept. */
function pemProblems(config: Config): string[] {
  const attempts: readonly [
    keys: readonly ConfigKey[],
    options: () => Parameters<typeof createSecureContext>[0],
  ][] = [
    [['kafkaCaFile'], () => ({ ca: pem(config.kafkaCaFile) })],
    [['clickhouseCaFile'], () => ({ ca: pem(config.clickhouseCaFile) })],
    [
      ['kafkaCertificateFile', 'kafkaKeyFile'],
      () => ({ cert: pem(config.kafkaCertificateFile), key: pem(config.kafkaKeyFile) }),
    ],
  ]
  return attempts.flatMap(([keys, options]) => {
    if (keys.some((key) => config[key] === '')) return []
    const names = keys.map(variableOf).join(' and ')
    try {
      createSecureContext(options())
      return []
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return [`What the files of ${names} hold cannot be used: ${reason}. Give PEM, the key not encrypted.`]
    }
  })
}

function pem(file: string): string {
  const text = readFileSync(file, 'utf8')
  // Node reads a text without a certificate as an empty list, and then trusts no server.
  if (!text.includes('-----BEGIN ')) throw new Error(`${file} holds no PEM`)
  return text
}

/** What works and is most likely not intended, in words. */
export function securityWarnings(config: Config): string[] {
  const isOutside = config.kafkaBrokers.some(
    (broker) => !isLoopback(broker.slice(0, broker.lastIndexOf(':'))),
  )
  if (config.kafkaSaslMechanism === 'none' || config.kafkaTls === 'on' || !isOutside) return []
  return [
    `${variableOf('kafkaSaslMechanism')} is ${config.kafkaSaslMechanism} without TLS, to ${config.kafkaBrokers.join(', ')}: ` +
      `whoever sees the network sees ${config.kafkaSaslMechanism.startsWith('SCRAM') ? 'everything that is sent, and can try passwords' : 'the secret'}. Set ${variableOf('kafkaTls')}=on.`,
  ]
}

function isLoopback(host: string): boolean {
  return LOOPBACK.has(host.replace(/^\[(.*)\]$/, '$1')) || host.startsWith('127.')
}
