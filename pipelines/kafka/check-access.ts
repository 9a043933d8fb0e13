import type { Refusal } from '../tls-refusal.ts'
import { createKafka } from './kafkajs/client.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { NO_TLS, refusalOf } from './refusal.ts'
import { askListener } from './sasl-handshake.ts'
import type { Listener } from './sasl-handshake.ts'

/**
 * What is known about one broker's listener: how it answers when it is contacted according to the settings, and in the
 * other way.
 */
export interface Answers {
  readonly asSet: Listener | undefined
  readonly otherwise: Listener | undefined
}

/**
 * Sends each broker one request for the members of the cluster, and nothing else, to find out why none of them accepts this
 * client. Undefined where one does, and where none can be reached, which may change in a moment. Never rejects.
 */
export async function checkAccess(options: KafkaOptions): Promise<Refusal | undefined> {
  let refused: Refusal | undefined
  for (const broker of options.brokers) {
    const answer = await askBroker({ ...options, brokers: [broker] }, broker)
    if (answer === 'let in') return undefined
    if (answer !== 'away') refused ??= { ...answer, what: `${broker}: ${answer.what}` }
  }
  return refused
}

async function askBroker(options: KafkaOptions, broker: string): Promise<Refusal | 'let in' | 'away'> {
  const admin = createKafka(options, { retriesMax: 0 }).admin({ retry: { retries: 0 } })
  try {
    await admin.connect()
    await admin.describeCluster()
    return 'let in'
  } catch (error) {
    return refusalOf(error) ?? (await askBothWays(options, broker)) ?? 'away'
  } finally {
    await admin.disconnect()
  }
}

/**
 * A broker that is contacted in the wrong way closes the connection without an answer; contacted both ways, it shows which
 * way is right.
 */
async function askBothWays({ security }: KafkaOptions, broker: string): Promise<Refusal | undefined> {
  const tls = security?.tls
  const [asSet, otherwise] = await Promise.all([
    askListener(broker, tls ?? false),
    askListener(broker, tls === undefined),
  ])
  return mismatch({ asSet, otherwise }, tls !== undefined, security?.sasl !== undefined)
}

/** What does not match between a listener and the settings. */
export function mismatch(
  { asSet, otherwise }: Answers,
  hasTls: boolean,
  hasSasl: boolean,
): Refusal | undefined {
  if (asSet === undefined && otherwise !== undefined) {
    return hasTls
      ? NO_TLS
      : {
          what: 'the listener at this port speaks TLS only',
          remedy:
            'Set HIVEMETER_KAFKA_TLS=on (and HIVEMETER_KAFKA_CA_FILE), or HIVEMETER_KAFKA_BROKERS to a plain port.',
        }
  }
  if (asSet?.mechanisms !== undefined && !hasSasl) {
    return {
      what: `the listener at this port wants to know who this is (SASL ${asSet.mechanisms.join(', ')})`,
      remedy: 'Set HIVEMETER_KAFKA_SASL_MECHANISM to one of these, with HIVEMETER_KAFKA_USER and a password.',
    }
  }
  return undefined
}
