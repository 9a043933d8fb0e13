import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import type { LogProducer } from '../../pipelines/log/producer.ts'
import { CompactedTable } from '../../pipelines/kafka/kafkajs/table.ts'
import type { Clock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { accessKeyCodec } from '../../schemas/avro.ts'
import type { FleetGrant, FleetNodeName } from '../../schemas/fleet/records.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { auditAppend } from '../audit/audit-log.ts'
import { keyEntry } from '../audit/key-entries.ts'
import type { Config } from '../runtime/config.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { layoutOf } from '../runtime/layout.ts'
import { KeyRing } from './key-ring.ts'
import type { UnreadableKey } from './key-ring.ts'
import { hashSecret, newKey } from './key-text.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'

/** Two, so that a key can be replaced while the old one still works. */
export const ACTIVE_KEYS_PER_CLIENT_MAX = 2

const GROUP_ID_BYTES = 8
const CLIENT_ID = 'hivemeter-keys'

/** Longest wait for all keys; after it the command reports that instead of hanging. */
const READ_TIMEOUT_MS = MINUTE_MS

/** What a new key may do, for which nodes, and for how long. */
export interface KeyRequest {
  readonly client: string
  readonly scopes: readonly string[]
  readonly nodes: readonly string[]
  /** The operators whose wallets it may read, in addition to those that its nodes give. */
  readonly operators?: readonly string[]
  /** The one node of a hosting fleet that it stands for. */
  readonly fleetNode?: FleetNodeName | null
  /** What it may do with the inventories of hosting providers. */
  readonly grants?: readonly FleetGrant[]
  readonly expiresAtMs: number | null
}

interface Parts {
  readonly ring: KeyRing
  readonly table: CompactedTable
  readonly producer: IdempotentProducer
  readonly partitions: number
  /** Producer of account.inbox, which carries the audit. */
  readonly audit: { readonly producer: LogProducer; readonly partitions: number }
  readonly clock: Clock
  readonly random: Random
}

/** The keys of an installation: reads them all when it is opened and follows them, writes one at a time. */
export class KeyStore implements AsyncDisposable {
  readonly #parts: Parts
  readonly #unaudited: string[] = []

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Exit 69 where the keys cannot be read within a minute. */
  static async open(config: Config, clock: Clock, random: Random): Promise<KeyStore> {
    const { keysPartitions: partitions, topics, ...layout } = await layoutOf(config, CLIENT_ID)
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
    const over = new AbortController()
    try {
      const isLate = clock.delay(READ_TIMEOUT_MS, over.signal).then(() => !over.signal.aborted)
      if (await Promise.race([table.start().then(() => false), isLate])) {
        const waits = table.waitingFor().join(', ')
        throw new ExitError(
          EXIT.unreachable,
          `The keys were not read within ${READ_TIMEOUT_MS / SECOND_MS} s: waited for ${waits}.`,
        )
      }
    } catch (error) {
      await table.stop()
      throw error
    } finally {
      over.abort()
    }
    const producer = new IdempotentProducer({ ...kafka, topic, metrics: noMetrics })
    const audit = {
      producer: new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics }),
      partitions: layout.partitions,
    }
    return new KeyStore({ ring, table, producer, partitions, audit, clock, random })
  }

  /** Every key that was ever made, the oldest first. */
  all(): AccessKey[] {
    return this.#parts.ring.all()
  }

  /** Whether the key is accepted: neither it nor the key that it was made from has ended. */
  isInForce(key: AccessKey, nowMs: number): boolean {
    return this.#parts.ring.isInForce(key, nowMs)
  }

  /** The values of access.keys that are not keys. */
  unreadable(): UnreadableKey[] {
    return this.#parts.ring.unreadable()
  }

  /** Makes a key and returns its text, which is not kept anywhere. Exit 1 where the client has two active keys. */
  async create(request: KeyRequest): Promise<{ readonly keyId: string; readonly text: string }> {
    const { clock, random } = this.#parts
    const nowMs = clock.nowMs()
    const active = this.#activeOf(request.client, nowMs)
    if (active.length >= ACTIVE_KEYS_PER_CLIENT_MAX) throw tooMany(request.client, active)
    const { keyId, secret, text } = newKey(random)
    const made: AccessKey = {
      key_id: keyId,
      client: request.client,
      secret_hash: hashSecret(secret),
      scopes: [...request.scopes],
      nodes: [...request.nodes],
      created_at: nowMs,
      expires_at: request.expiresAtMs,
      revoked_at: null,
      operators: [...(request.operators ?? [])],
      parent: null,
      fleet_node: request.fleetNode ?? null,
      grants: [...(request.grants ?? [])],
    }
    await this.#write(made)
    await this.#note('key_made', made)
    // Another command may have made one at the same time. The last writer reads them all, and takes its own back.
    await this.#reachEnd()
    const now = this.#activeOf(request.client, nowMs)
    if (now.length > ACTIVE_KEYS_PER_CLIENT_MAX) {
      await this.revoke(keyId)
      throw tooMany(
        request.client,
        now.filter(({ key_id }) => key_id !== keyId),
      )
    }
    return { keyId, text }
  }

  /** Revokes a key, also one that cannot be read. Exit 1 for an id that no key has. */
  async revoke(keyId: string): Promise<AccessKey> {
    const nowMs = this.#parts.clock.nowMs()
    const key = this.all().find(({ key_id }) => key_id === keyId)
    if (key === undefined && !this.unreadable().some((one) => one.keyId === keyId))
      throw new ExitError(EXIT.failure, `No key has the id ${keyId}; npm run keys -- list shows them.`)
    const revoked = { ...(key ?? unknownKey(keyId, nowMs)), revoked_at: key?.revoked_at ?? nowMs }
    await this.#write(revoked)
    if (key?.revoked_at == null) await this.#note('key_revoked', revoked)
    return revoked
  }

  /** What was made or revoked and may be missing in the audit: Kafka did not confirm that it took the entry. */
  unaudited(): readonly string[] {
    return this.#unaudited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { producer, audit, table } = this.#parts
    await Promise.all([producer.stop(), audit.producer.stop(), table.stop()])
  }

  #activeOf(client: string, nowMs: number): AccessKey[] {
    return this.all().filter((key) => key.client === client && this.isInForce(key, nowMs))
  }

  async #write(key: AccessKey): Promise<void> {
    const { ring, producer, partitions } = this.#parts
    const value = accessKeyCodec.encode(key)
    await producer.append([{ partition: partitionOfNode(key.key_id, partitions), key: key.key_id, value }])
    ring.apply({ key: Buffer.from(key.key_id), value })
  }

  /** The key is in force, or no longer in force, whatever happens here. */
  async #note(kind: 'key_made' | 'key_revoked', key: AccessKey): Promise<void> {
    const { producer, partitions } = this.#parts.audit
    try {
      await producer.append([auditAppend(keyEntry(kind, key), partitions)])
    } catch (error) {
      if (!(error instanceof ProduceError)) throw error
      this.#unaudited.push(`${kind} ${key.key_id}: ${error.message}`)
    }
  }

  /** Reads up to the present end of the log. Exit 69 where that takes longer than a minute. */
  async #reachEnd(): Promise<void> {
    const { table, partitions, clock } = this.#parts
    const deadlineMs = clock.monotonicMs() + READ_TIMEOUT_MS
    for (let partition = 0; partition < partitions; partition += 1) {
      while (!(await table.reach(partition))) {
        if (clock.monotonicMs() > deadlineMs) {
          throw new ExitError(
            EXIT.unreachable,
            'The key was written, but whether it is one too many could not be read. Revoke it: npm run keys -- list.',
          )
        }
      }
    }
  }
}

function tooMany(client: string, active: readonly AccessKey[]): ExitError {
  return new ExitError(
    EXIT.failure,
    `${client} has two active keys already: ${active.map(({ key_id }) => key_id).join(', ')}. Revoke one first.`,
  )
}

/** Takes the place of a value that cannot be read: a key of no client, for nothing. */
function unknownKey(keyId: string, nowMs: number): AccessKey {
  const client = 'unknown: its value could not be read'
  return {
    key_id: keyId,
    client,
    secret_hash: Buffer.alloc(32),
    scopes: [],
    nodes: [],
    created_at: nowMs,
    expires_at: null,
    revoked_at: nowMs,
    operators: [],
    parent: null,
    fleet_node: null,
    grants: [],
  }
}
