import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { CompactedTable } from '../../pipelines/kafka/table.ts'
import type { Clock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { accessKeyCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { AccessKey } from '../../schemas/records.ts'
import type { Config } from '../config.ts'
import { kafkaOf } from '../kafka.ts'
import { EXIT, ExitError } from '../exit.ts'
import { layoutOf } from '../layout.ts'
import { KeyRing, isActive } from './key-ring.ts'
import { hashSecret, newKey } from './key-text.ts'

/** So that a key can be replaced while the old one still works. */
export const ACTIVE_KEYS_PER_CLIENT_MAX = 2

const GROUP_ID_BYTES = 8
const CLIENT_ID = 'hivemeter-keys'

/** What a new key may do, to which nodes, for how long. */
export interface KeyRequest {
  readonly client: string
  readonly scopes: readonly string[]
  readonly nodes: readonly string[]
  readonly expiresAtMs: number | null
}

/** The keys of an installation: reads them all when it is opened, writes one at a time. */
export class KeyStore implements AsyncDisposable {
  readonly #ring: KeyRing
  readonly #producer: IdempotentProducer
  readonly #partitions: number
  readonly #clock: Clock
  readonly #random: Random

  private constructor(
    ring: KeyRing,
    producer: IdempotentProducer,
    partitions: number,
    clock: Clock,
    random: Random,
  ) {
    this.#ring = ring
    this.#producer = producer
    this.#partitions = partitions
    this.#clock = clock
    this.#random = random
  }

  static async open(config: Config, clock: Clock, random: Random): Promise<KeyStore> {
    const { keysPartitions: partitions, topics } = await layoutOf(config, CLIENT_ID)
    const topic = topics.accessKeys
    const ring = new KeyRing()
    const kafka = kafkaOf(config, CLIENT_ID, silentLogger)
    const table = new CompactedTable({
      ...kafka,
      clock,
      topic,
      groupId: `${config.topicPrefix}keys-${random.bytes(GROUP_ID_BYTES).toString('hex')}`,
      partitions,
      onRecord: (record) => ring.apply(record),
    })
    try {
      await table.start()
    } finally {
      await table.stop()
    }
    return new KeyStore(
      ring,
      new IdempotentProducer({ ...kafka, topic, metrics: noMetrics }),
      partitions,
      clock,
      random,
    )
  }

  /** Every key that was ever made, the oldest first. */
  all(): AccessKey[] {
    return this.#ring.all()
  }

  /** Makes a key and returns its text, which is kept nowhere. Exit 1 where the client has two active ones. */
  async create(asked: KeyRequest): Promise<{ readonly keyId: string; readonly text: string }> {
    const nowMs = this.#clock.nowMs()
    const active = this.all().filter((key) => key.client === asked.client && isActive(key, nowMs))
    if (active.length >= ACTIVE_KEYS_PER_CLIENT_MAX) {
      throw new ExitError(
        EXIT.failure,
        `${asked.client} has two active keys already: ${active.map(({ key_id }) => key_id).join(', ')}. Revoke one first.`,
      )
    }
    const { keyId, secret, text } = newKey(this.#random)
    await this.#write({
      key_id: keyId,
      client: asked.client,
      secret_hash: hashSecret(secret),
      scopes: [...asked.scopes],
      nodes: [...asked.nodes],
      created_at: nowMs,
      expires_at: asked.expiresAtMs,
      revoked_at: null,
    })
    return { keyId, text }
  }

  /** Revokes a key. Exit 1 for an id that no key has. */
  async revoke(keyId: string): Promise<AccessKey> {
    const key = this.all().find(({ key_id }) => key_id === keyId)
    if (key === undefined)
      throw new ExitError(EXIT.failure, `No key has the id ${keyId}; npm run keys -- list shows them.`)
    const revoked = { ...key, revoked_at: key.revoked_at ?? this.#clock.nowMs() }
    await this.#write(revoked)
    return revoked
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.stop()
  }

  async #write(key: AccessKey): Promise<void> {
    const value = accessKeyCodec.encode(key)
    await this.#producer.append([
      { partition: partitionOfNode(key.key_id, this.#partitions), key: key.key_id, value },
    ])
    this.#ring.apply({ key: Buffer.from(key.key_id), value })
  }
}
