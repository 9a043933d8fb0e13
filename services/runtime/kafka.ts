import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { systemClock } from '../../pipelines/clock.ts'
import type { KafkaOptions } from '../../pipelines/kafka/kafkajs/client.ts'
import type { KafkaSasl, KafkaSecurity } from '../../pipelines/kafka/kafkajs/security.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { Config } from './config.ts'
import { readSecret } from './config-security.ts'

/** What every connection of this process to Kafka needs. Only here do settings become these options. */
export function kafkaOf(config: Config, clientId: string, logger: Logger): KafkaOptions {
  return {
    brokers: config.kafkaBrokers,
    clientId,
    logger,
    // The other end is a real Kafka here, so time and chance are the machine's.
    clock: systemClock,
    random: systemRandom,
    security: securityOf(config),
  }
}

function securityOf(config: Config): KafkaSecurity {
  return {
    tls:
      config.kafkaTls === 'off'
        ? undefined
        : {
            ca: fileOrNone(config.kafkaCaFile),
            certificate: fileOrNone(config.kafkaCertificateFile),
            key: fileOrNone(config.kafkaKeyFile),
            serverName: config.kafkaServerName === '' ? undefined : config.kafkaServerName,
          },
    sasl: saslOf(config),
  }
}

function saslOf(config: Config): KafkaSasl | undefined {
  const mechanism = config.kafkaSaslMechanism
  if (mechanism === 'none') return undefined
  if (mechanism === 'OAUTHBEARER') return { mechanism, token: () => readToken(config.kafkaTokenFile) }
  return { mechanism, user: config.kafkaUser, password: readSecret(config.kafkaPasswordFile) }
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new Error(`The token file ${file} cannot be read.`, { cause: error })
  }
}

function fileOrNone(file: string): string | undefined {
  return file === '' ? undefined : readFileSync(file, 'utf8')
}
