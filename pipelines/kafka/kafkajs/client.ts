import './patches/fresh-connections.ts'
import './patches/aborted-records.ts'
import './patches/clock-steps.ts'
import './patches/rejoin.ts'
import './patches/silent-brokers.ts'
import './patches/answering-brokers.ts'
import './patches/word-of-most.ts'
import './patches/moved-coordinators.ts'
import './patches/before-rebalance.ts'
import './patches/decode-messages.ts'
import './patches/encoder-parts.ts'
import './patches/quiet-queues.ts'
import './codecs.ts'
import kafkajs from 'kafkajs'
import type { IHeaders, Kafka as KafkaClient, KafkaMessage, LogEntry } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { Random } from '../../random.ts'
import type { DecodedRecord } from './patches/decode-batch.ts'
import type { LogRecord } from '../../log/records.ts'
import { RefusalLog } from '../refusal.ts'
import { kafkajsSecurity } from './security.ts'
import type { KafkaSecurity } from './security.ts'

const { Kafka, logLevel } = kafkajs

/** What every connection to Kafka needs. */
export interface KafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** TLS and the identity of this client; without it connections are unencrypted and anonymous. */
  readonly security?: KafkaSecurity | undefined
}

/** No request waits longer: a broker that does not answer within this time counts as away. */
export const REQUEST_TIMEOUT_MS = 4_000
const CONNECTION_TIMEOUT_MS = 3_000

/**
 * How often a consumer queries who leads. A leader that is cut off from the other brokers does not know that it was
 * replaced, and continues to answer fetches with nothing: no error ever makes its consumers look elsewhere.
 */
export const LEADERS_AGE_MS_MAX = 2_000

/** Tries of a request after the first, and the pauses between them: together about 5 s. */
const REQUEST_RETRIES_MAX = 12
/** The pause is short because back-to-back transactions meet CONCURRENT_TRANSACTIONS, for which the default waits 300 ms. */
const RETRY_PAUSE_MS = 20
const RETRY_PAUSE_MS_MAX = 500

/**
 * A separate kafkajs client. Consumers and producers are created from different ones: kafkajs shares a map of committed
 * offsets between all clients of one `Kafka` object, and marks the offsets before the commit.
 */
export function createKafka(
  options: KafkaOptions,
  { retriesMax = REQUEST_RETRIES_MAX }: { readonly retriesMax?: number } = {},
): KafkaClient {
  return new Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    ...kafkajsSecurity(options.security),
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    retry: {
      initialRetryTime: RETRY_PAUSE_MS,
      maxRetryTime: RETRY_PAUSE_MS_MAX,
      retries: retriesMax,
    },
    logLevel: logLevel.INFO,
    logCreator: () => logOf(options),
  })
}

/**
 * kafkajs logs each retry as an error. What matters reaches the task as an outcome, so everything except refusals is logged
 * as detail.
 */
function logOf({ logger, brokers }: KafkaOptions): (entry: LogEntry) => void {
  const refusals = new RefusalLog(logger, brokers.join(', '))
  return (entry) => {
    const { message, timestamp, logger: _logger, ...fields } = entry.log
    logger.debug({ ...fields, client: entry.namespace }, `kafkajs: ${message}`)
    refusals.notice(`${message} ${String(fields['error'] ?? '')}`, Date.parse(timestamp))
  }
}

const NO_HEADERS: LogRecord['headers'] = {}

/** kafkajs' message as a record. Never throws: a record that cannot be read would stop every partition of the process. */
export function toRecord(partition: number, message: KafkaMessage): LogRecord {
  const { key, value, headers } = message
  const offset = BigInt(message.offset)
  const timestampMs = Number(message.timestamp)
  const { unreadable } = message as Pick<DecodedRecord, 'unreadable'>
  if (unreadable !== undefined) {
    return { partition, offset, timestampMs, key, value, headers: NO_HEADERS, unreadable }
  }
  // Most records have none.
  if (headers === undefined || isEmpty(headers)) {
    return { partition, offset, timestampMs, key, value, headers: NO_HEADERS }
  }
  return { partition, offset, timestampMs, key, value, ...toHeaders(headers) }
}

function isEmpty(headers: object): boolean {
  for (const _name in headers) return false
  return true
}

function toHeaders(headers: IHeaders): Pick<LogRecord, 'headers' | 'headerList'> {
  const names = Object.keys(headers)
  const list = names.flatMap((name) => headerValues(headers[name]).map((value) => [name, value] as const))
  const entries = list.filter((header): header is [string, Buffer] => header[1] !== null)
  const isPlain = entries.length === names.length && list.length === names.length
  // Built from entries, because a header may be named __proto__.
  return { headers: Object.fromEntries(entries), ...(isPlain ? {} : { headerList: list }) }
}

/**
 * The values of one header name. For a header without value kafkajs returns null, whatever its types say. Where the name is
 * one that every object has ("toString"), it returns that property of the object before the header.
 */
function headerValues(given: unknown): (Buffer | null)[] {
  const values: unknown[] = Array.isArray(given) ? given : [given]
  return values.filter((value): value is Buffer | null => value === null || Buffer.isBuffer(value))
}
