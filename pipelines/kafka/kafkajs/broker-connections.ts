import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import { isSilent, markAnswered, markSilent } from '../broker-silence.ts'
import { createKafka } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { inTime } from '../../in-time.ts'
import { answersOfMost } from '../majority.ts'
import { Unanswered } from '../produce/wire.ts'
import type { BrokerId } from '../produce/wire.ts'

/** A connection, including TLS, sign-in and the request for versions, is made within this time or not at all. */
export const PRODUCE_CONNECTION_TIMEOUT_MS = 2_000

/** What this file uses of kafkajs 2.2.4, pinned: connections and the encoding of requests, but none of its retries. */
interface Connection {
  readonly socket?: { destroy(): void }
  rejectRequests(error: Error): void
  disconnect(): Promise<unknown>
}
interface ConnectionPool {
  readonly pool: readonly Connection[]
  send(request: { readonly request: object; readonly response: Response }): Promise<unknown>
}
interface Response {
  readonly decode: (bytes: Buffer) => Promise<unknown>
  readonly parse: (decoded: unknown) => Promise<unknown>
}
interface Broker {
  readonly connectionPool: ConnectionPool
  readonly lookupRequest: (
    apiKey: number,
    definition: unknown,
  ) => (options: object) => { readonly request: object; readonly response: Response }
  isConnected(): boolean
  connect(): Promise<void>
}
interface Cluster {
  readonly rootLogger: object
  readonly connectionPoolBuilder: {
    build(at?: { readonly host: string; readonly port: number }): Promise<ConnectionPool>
  }
}
export type RequestName =
  | 'Metadata'
  | 'Produce'
  | 'GroupCoordinator'
  | 'InitProducerId'
  | 'AddPartitionsToTxn'
  | 'EndTxn'
  | 'ListOffsets'
  | 'Fetch'

const require = createRequire(import.meta.url)
const apiKeys = require('kafkajs/src/protocol/requests/apiKeys.js') as Record<RequestName, number>
const { requests } = require('kafkajs/src/protocol/requests/index.js') as {
  requests: Record<RequestName, object>
}
const BrokerOf = require('kafkajs/src/broker/index.js') as new (options: object) => Broker

/** kafkajs' cluster of a client, in which its settings for connections are put together. */
function clusterOf(kafka: Kafka): Cluster {
  const make = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (make === undefined) throw new Error('kafkajs has no such step: it is not 2.2.4.')
  return (kafka as unknown as Record<symbol, (options: object) => Cluster>)[make]?.({}) as Cluster
}

/** The result of a request to all brokers. */
export interface Answers<T> {
  readonly answers: readonly T[]
  /** The number of brokers to which the request was sent. */
  readonly queried: number
}

interface Address {
  readonly host: string
  readonly port: number
}

const CLOSED = 'the producer was closed'

const addressKey = ({ host, port }: Address): string => `${host}:${port}`

/**
 * Connections to the brokers of a cluster, one to each, made when they are needed. A connection that stays silent is
 * closed, so that no request waits behind another one. Brokers that did not answer last time are tried last, as long as
 * another broker can answer.
 */
export class BrokerConnections {
  readonly #clock: Clock
  readonly #cluster: Cluster
  readonly #seeds: readonly Address[]
  readonly #addresses = new Map<BrokerId, Address>()
  readonly #open = new Map<string, Broker>()
  readonly #opening = new Map<string, Promise<Broker>>()
  #turn = 0
  #isClosed = false

  constructor(options: KafkaOptions) {
    this.#clock = options.clock
    this.#cluster = clusterOf(createKafka(options))
    this.#seeds = options.brokers.map((text) => {
      const colon = text.lastIndexOf(':')
      return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
    })
  }

  /** Sets the addresses of these brokers. */
  know(brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]): void {
    for (const { nodeId, host, port } of brokers) this.#addresses.set(nodeId, { host, port })
  }

  /** Remembers whether a broker is to be tried last in questions about the cluster. */
  doubt(broker: BrokerId, isDoubted: boolean): void {
    const address = this.#addresses.get(broker)
    if (address === undefined) return
    if (isDoubted) markSilent(addressKey(address))
    else markAnswered(addressKey(address))
  }

  /** Sends a request to one broker. Rejects with `Unanswered`. */
  async ask<T>(
    broker: BrokerId,
    name: RequestName,
    options: object,
    timeoutMs: number,
    encode?: () => unknown,
  ): Promise<T> {
    const address = this.#addresses.get(broker)
    if (address === undefined) throw new Unanswered(`the cluster named no address of broker ${broker}`, false)
    return (await this.#request(address, name, options, timeoutMs, encode)) as T
  }

  /**
   * Sends a request to one broker after the other until one answers; each call starts with the next broker. Rejects with
   * `Unanswered`.
   */
  async askAny<T>(name: RequestName, options: object, timeoutMs: number): Promise<T> {
    let failure: unknown
    for (const address of this.#inTurn()) {
      try {
        return (await this.#request(address, name, options, timeoutMs)) as T
      } catch (error) {
        if (!(error instanceof Unanswered) || this.#isClosed) throw error
        failure = error
      }
    }
    throw failure
  }

  /**
   * Sends a request to all brokers at once. Returns the answers and the number of brokers. Answers are missing where some
   * come later than `LAST_WORDS_MS` after most of them (`majority.ts`). Rejects with `Unanswered` where none came.
   */
  async askEach<T>(name: RequestName, options: object, timeoutMs: number): Promise<Answers<T>> {
    const addresses = this.#inTurn()
    // A broker that did not answer last time is waited for only where the others are too few.
    const answering = addresses.filter((at) => !isSilent(addressKey(at)))
    const voters = 2 * answering.length > addresses.length ? answering : addresses
    let failure: unknown
    const questions = voters.map((address) => this.#request(address, name, options, timeoutMs) as Promise<T>)
    const answers = await answersOfMost(questions, this.#clock, (error) => {
      if (!(error instanceof Unanswered)) throw error
      failure = error
    })
    if (answers.length === 0) throw failure
    return { answers, queried: addresses.length }
  }

  /** Closes all connections; requests under way reject. */
  close(): void {
    this.#isClosed = true
    for (const broker of this.#open.values()) tearDown(broker, CLOSED)
    this.#open.clear()
  }

  #inTurn(): Address[] {
    const known = new Map([...this.#addresses.values(), ...this.#seeds].map((at) => [addressKey(at), at]))
    const all = [...known.values()]
    const first = this.#turn++ % all.length
    const turned = [...all.slice(first), ...all.slice(0, first)]
    const isDoubted = (at: Address): boolean => isSilent(addressKey(at))
    return [...turned.filter((at) => !isDoubted(at)), ...turned.filter(isDoubted)]
  }

  async #request(
    address: Address,
    name: RequestName,
    options: object,
    timeoutMs: number,
    encode?: () => unknown,
  ): Promise<unknown> {
    const key = addressKey(address)
    const broker = await this.#connected(address)
    try {
      const { request, response } = broker.lookupRequest(apiKeys[name], requests[name])(options)
      const sent = broker.connectionPool.send({
        request: encode === undefined ? request : { ...request, encode, expectResponse: () => true },
        response: { decode: response.decode, parse: async (decoded) => decoded },
      })
      const answer = await this.#within(sent, timeoutMs, `no answer within ${timeoutMs} ms`)
      markAnswered(key)
      return answer
    } catch (error) {
      this.#drop(key, broker, error)
      throw new Unanswered(`${name} to ${key}: ${textOf(error)}`, true, { cause: error })
    }
  }

  async #connected(address: Address): Promise<Broker> {
    const key = addressKey(address)
    const open = this.#open.get(key)
    if (open?.isConnected() === true) return open
    if (this.#isClosed) throw new Unanswered(CLOSED, false)
    const opening = this.#opening.get(key) ?? this.#connect(address)
    this.#opening.set(key, opening)
    try {
      return await opening
    } catch (error) {
      markSilent(key)
      throw new Unanswered(`no connection to ${key}: ${textOf(error)}`, false, { cause: error })
    } finally {
      if (this.#opening.get(key) === opening) this.#opening.delete(key)
    }
  }

  async #connect(address: Address): Promise<Broker> {
    const { rootLogger, connectionPoolBuilder } = this.#cluster
    const connectionPool = await connectionPoolBuilder.build(address)
    const broker = new BrokerOf({ connectionPool, logger: rootLogger, allowAutoTopicCreation: false })
    const words = `no connection within ${PRODUCE_CONNECTION_TIMEOUT_MS} ms`
    try {
      await this.#within(broker.connect(), PRODUCE_CONNECTION_TIMEOUT_MS, words)
    } catch (error) {
      tearDown(broker, words)
      throw error
    }
    if (this.#isClosed) {
      tearDown(broker, CLOSED)
      throw new Error(CLOSED)
    }
    this.#open.set(addressKey(address), broker)
    return broker
  }

  #drop(key: string, broker: Broker, error: unknown): void {
    markSilent(key)
    if (this.#open.get(key) === broker) this.#open.delete(key)
    tearDown(broker, textOf(error))
  }

  async #within<T>(work: Promise<T>, timeoutMs: number, words: string): Promise<T> {
    return await inTime(work, timeoutMs, this.#clock, () => new Error(words))
  }
}

function tearDown(broker: Broker, reason: string): void {
  for (const connection of broker.connectionPool.pool) {
    connection.rejectRequests(new Error(reason))
    connection.disconnect().then(
      () => connection.socket?.destroy(),
      () => {},
    )
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
