import { createRequire } from 'node:module'
import type { Clock } from '../../clock.ts'
import type { KafkaOptions } from './client.ts'
import { BrokerConnections } from './broker-connections.ts'
import { placeKey } from '../produce/attempts.ts'
import { errorName } from './error-names.ts'
import { mostNamed } from '../majority.ts'
import { RefusalLog } from '../refusal.ts'
import { encodeRecordBatch } from '../produce/record-batch.ts'
import type {
  Answer,
  BrokerId,
  Place,
  PlaceAnswer,
  ProduceBatch,
  ProducerIdentity,
  ProduceWire,
  TransactionIdentity,
} from '../produce/wire.ts'

/** Without an answer to a Produce request within this time, its outcome is not known. */
export const PRODUCE_TIMEOUT_MS = 2_000
/** Within this time the broker itself reports that the other replicas did not follow. */
const REPLICATION_TIMEOUT_MS = 1_500
/** For requests for leaders and coordinators: after this time the next broker is tried. */
export const LOOK_UP_TIMEOUT_MS = 1_500
/** For requests to the coordinator of a transaction, which writes to its own log before it answers. */
export const COORDINATOR_TIMEOUT_MS = 2_000

const ACKS_ALL = -1
const TRANSACTION_COORDINATOR = 1

interface Encoder {
  writeString(value: string | null): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeBytes(value: Buffer): Encoder
  writeArray(values: readonly Encoder[]): Encoder
}

const require = createRequire(import.meta.url)
const EncoderOf = require('kafkajs/src/protocol/encoder.js') as new () => Encoder

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topicMetadata: readonly TopicMetadata[]
}

interface TopicMetadata {
  readonly topic: string
  readonly topicErrorCode: number
  readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
}

interface Produced {
  readonly topics: readonly {
    readonly topicName: string
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly baseOffset: string
      readonly logAppendTime: string
    }[]
  }[]
}

interface Coordinator {
  readonly errorCode: number
  readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number }
}

interface Initialised {
  readonly errorCode: number
  readonly producerId: string
  readonly producerEpoch: number
}

interface Added {
  readonly errors: readonly { readonly partitionErrors: readonly { readonly errorCode: number }[] }[]
}

/** The produce path's requests on connections of kafkajs. kafkajs encodes and decodes them, except for batches. */
export class KafkajsWire implements ProduceWire {
  readonly #connections: BrokerConnections
  readonly #clock: Clock
  readonly #leaders = new Map<string, BrokerId>()
  readonly #bytes = new WeakMap<ProduceBatch, Buffer>()
  readonly #refusals: RefusalLog

  constructor(options: KafkaOptions) {
    this.#clock = options.clock
    this.#connections = new BrokerConnections(options)
    this.#refusals = new RefusalLog(options.logger, options.brokers.join(', '))
  }

  leaderOf(place: Place): BrokerId | null {
    return this.#leaders.get(placeKey(place)) ?? null
  }

  /** Takes the leader that most brokers name: one that is cut off from the others still considers itself the leader. */
  async refreshLeaders(topics: readonly string[]): Promise<void> {
    const { answers } = await this.#connections.askEach<Metadata>(
      'Metadata',
      { topics, allowAutoTopicCreation: false },
      LOOK_UP_TIMEOUT_MS,
    )
    for (const { brokers } of answers) this.#connections.know(brokers)
    const named = answers.flatMap(({ topicMetadata }) =>
      topicMetadata.flatMap((topic) => this.#leadersIn(topic)),
    )
    for (const [key, said] of Map.groupBy(named, ([key]) => key)) {
      const leader = mostNamed(said.map(([, leader]) => leader)) ?? -1
      if (leader >= 0) this.#leaders.set(key, leader)
      else this.#leaders.delete(key)
    }
  }

  async produce(broker: BrokerId, batches: readonly ProduceBatch[]): Promise<readonly PlaceAnswer[]> {
    const encode = (): Encoder => this.#encode(batches)
    const answer = await this.#connections.ask<Produced>(broker, 'Produce', {}, PRODUCE_TIMEOUT_MS, encode)
    const answers = answer.topics.flatMap(({ topicName: topic, partitions }) =>
      partitions.map(({ partition, errorCode, baseOffset, logAppendTime }) => ({
        topic,
        partition,
        error: this.#nameOf(errorCode),
        baseOffset: BigInt(baseOffset),
        logAppendTimeMs: Number(logAppendTime),
      })),
    )
    this.#connections.doubt(
      broker,
      answers.some(({ error }) => error === 'REQUEST_TIMED_OUT'),
    )
    return answers
  }

  /**
   * Takes the coordinator that most brokers name: one that is cut off from the others still considers itself the
   * coordinator.
   */
  async findCoordinator(transactionalId: string): Promise<Answer<BrokerId>> {
    const { answers } = await this.#connections.askEach<Coordinator>(
      'GroupCoordinator',
      { groupId: transactionalId, coordinatorType: TRANSACTION_COORDINATOR },
      LOOK_UP_TIMEOUT_MS,
    )
    const named = answers.filter(({ errorCode }) => this.#nameOf(errorCode) === null)
    this.#connections.know(named.map(({ coordinator }) => coordinator))
    const most = mostNamed(named.map(({ coordinator }) => coordinator.nodeId))
    if (most !== undefined) return { error: null, value: most }
    return { error: this.#nameOf(answers[0]?.errorCode ?? 0) ?? 'GROUP_COORDINATOR_NOT_AVAILABLE' }
  }

  async initProducer(): Promise<Answer<ProducerIdentity>> {
    const init = { transactionalId: null, transactionTimeout: 0 }
    return this.#identityIn(
      await this.#connections.askAny<Initialised>('InitProducerId', init, COORDINATOR_TIMEOUT_MS),
    )
  }

  async initTransactions(
    coordinator: BrokerId,
    transactionalId: string,
    transactionTimeoutMs: number,
  ): Promise<Answer<ProducerIdentity>> {
    const init = { transactionalId, transactionTimeout: transactionTimeoutMs }
    return this.#identityIn(
      await this.#connections.ask<Initialised>(coordinator, 'InitProducerId', init, COORDINATOR_TIMEOUT_MS),
    )
  }

  async addPartitions(
    coordinator: BrokerId,
    transaction: TransactionIdentity,
    places: readonly Place[],
  ): Promise<Answer<null>> {
    const byTopic = Map.groupBy(places, ({ topic }) => topic)
    const topics = Array.from(byTopic, ([topic, of]) => ({
      topic,
      partitions: of.map(({ partition }) => partition),
    }))
    const { errors } = await this.#connections.ask<Added>(
      coordinator,
      'AddPartitionsToTxn',
      { ...requestOf(transaction), topics },
      COORDINATOR_TIMEOUT_MS,
    )
    const codes = errors.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode))
    // Where one partition is refused the others are "not attempted": the reason is the other error name.
    const names = codes.map((code) => this.#nameOf(code)).filter((name) => name !== null)
    const error = names.find((name) => name !== 'OPERATION_NOT_ATTEMPTED') ?? names[0]
    return error === undefined ? { error: null, value: null } : { error }
  }

  async commitTransaction(coordinator: BrokerId, transaction: TransactionIdentity): Promise<Answer<null>> {
    const { errorCode } = await this.#connections.ask<{ readonly errorCode: number }>(
      coordinator,
      'EndTxn',
      { ...requestOf(transaction), transactionResult: true },
      COORDINATOR_TIMEOUT_MS,
    )
    const error = this.#nameOf(errorCode)
    return error === null ? { error, value: null } : { error }
  }

  async close(): Promise<void> {
    this.#connections.close()
  }

  #leadersIn({ topic, topicErrorCode, partitionMetadata }: TopicMetadata): (readonly [string, BrokerId])[] {
    // Without the right to see a topic, no leader is ever visible: waiting would only hide the reason.
    const error = this.#nameOf(topicErrorCode)
    if (error === 'TOPIC_AUTHORIZATION_FAILED') throw new Error(`${error}: no right to topic ${topic}`)
    return partitionMetadata.map(({ partitionId, leader }) => [
      placeKey({ topic, partition: partitionId }),
      leader,
    ])
  }

  #identityIn({ errorCode, producerId, producerEpoch }: Initialised): Answer<ProducerIdentity> {
    const error = this.#nameOf(errorCode)
    if (error !== null) return { error }
    return { error, value: { producerId: BigInt(producerId), epoch: producerEpoch } }
  }

  /** The name of an answer's error. A missing right is reported in the log, since only retries follow. */
  #nameOf(errorCode: number): string | null {
    const name = errorName(errorCode)
    if (name !== null) this.#refusals.notice(name, this.#clock.nowMs())
    return name
  }

  #encode(batches: readonly ProduceBatch[]): Encoder {
    const byTopic = Map.groupBy(batches, ({ topic }) => topic)
    const topics = Array.from(byTopic, ([topic, ofTopic]) =>
      new EncoderOf()
        .writeString(topic)
        .writeArray(
          ofTopic.map((batch) =>
            new EncoderOf().writeInt32(batch.partition).writeBytes(this.#bytesOf(batch)),
          ),
        ),
    )
    return new EncoderOf()
      .writeString(batches[0]?.transactionalId ?? null)
      .writeInt16(ACKS_ALL)
      .writeInt32(REPLICATION_TIMEOUT_MS)
      .writeArray(topics)
  }

  #bytesOf(batch: ProduceBatch): Buffer {
    let bytes = this.#bytes.get(batch)
    if (bytes === undefined) {
      bytes = encodeRecordBatch(batch, this.#clock.nowMs())
      this.#bytes.set(batch, bytes)
    }
    return bytes
  }
}

function requestOf({ transactionalId, producerId, epoch }: TransactionIdentity) {
  return { transactionalId, producerId: producerId.toString(), producerEpoch: epoch }
}
