import type { KafkaMessage } from 'kafkajs'
import type { Clock } from '../../clock.ts'
import { hideAborted } from './patches/aborted-records.ts'
import type { FetchedPartition, FetchedRecord } from './patches/aborted-records.ts'
import { toRecord } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { endOfBatches } from './patches/decode-messages.ts'
import { beginAt } from './patches/fetch-holdings.ts'
import { leaderOf } from '../partition-leader.ts'
import { BrokerConnections } from './broker-connections.ts'
import { errorName } from './error-names.ts'
import { Unanswered } from '../produce/wire.ts'
import type { BrokerId } from '../produce/wire.ts'
import type { LogRecord } from '../../log/records.ts'
import { batchUnreadable } from '../../log/records.ts'
import type { StateSource } from '../../task/ports.ts'
import { OUT_OF_RANGE_LOOKS } from './patches/silent-brokers.ts'
import { MIB, SECOND_MS } from '../../../schemas/units.ts'

/** No restore takes longer: 5 million ids are read in seconds. */
const READ_TIMEOUT_MS = 120_000

/** The leader answers a fetch within this time, or another one is looked for. */
export const STATE_FETCH_TIMEOUT_MS = 3_000
const FETCH_WAIT_MS = 50
const FETCH_BYTES_MAX = 4 * MIB

/** The pause before the next query for a partition's leader where the last one gave no answer. */
const LEADER_PAUSE_MS = 100

const READ_COMMITTED = 1
const OUT_OF_RANGE = 'OFFSET_OUT_OF_RANGE'
const NO_LEADER = 'it has no leader'

/** Records, and where the next fetch begins. */
interface Fetched {
  readonly messages: readonly FetchedRecord[]
  readonly next: bigint
}

type Look =
  | { readonly fetched: Fetched; readonly leader: BrokerId }
  | { readonly fetched: null; readonly reason: string }

interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly (FetchedPartition & { readonly errorCode: number })[]
  }[]
}

/**
 * Reads partitions of a state topic for restores, each from its leader, without being a member of a group: a group has a
 * coordinator, whose death would delay the very restores that it causes (measured on three brokers: 10 s more).
 */
export class StateReader implements StateSource {
  readonly #topic: string
  readonly #clock: Clock
  readonly #connections: BrokerConnections

  constructor(options: KafkaOptions & { readonly topic: string }) {
    this.#topic = options.topic
    this.#clock = options.clock
    this.#connections = new BrokerConnections(options)
  }

  /**
   * Delivers the partition's committed records from `start` up to the one at offset `through`, which must be a committed
   * record of the caller's own (its fence). It never reads "to the end", which open transactions that are aborted later
   * would delay for ever. It follows a leader that moves. Rejects after two minutes, when records in between are gone, with
   * a halt where a batch cannot be read, and when `signal` aborts; nothing is delivered after that.
   */
  async read(
    partition: number,
    range: { readonly start: bigint; readonly through: bigint },
    onRecord: (record: LogRecord) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + READ_TIMEOUT_MS
    const isGivenUp = (): boolean => signal?.aborted === true
    let position = range.start
    let leader: BrokerId | null = null
    let reason = NO_LEADER
    let outOfRange = 0
    while (position <= range.through) {
      if (isGivenUp()) throw new Error(`The read of partition ${partition} was given up.`)
      if (this.#clock.monotonicMs() >= deadlineMs) {
        throw new Error(
          `Partition ${partition} was not read within ${READ_TIMEOUT_MS / SECOND_MS} s: ${reason}.`,
        )
      }
      const looked = await this.#look(leader, partition, position)
      if (isGivenUp()) continue
      if (looked.fetched !== null) {
        this.#deliver(
          partition,
          looked.fetched.messages,
          { start: position, through: range.through },
          onRecord,
        )
        if (looked.fetched.next > position) {
          position = looked.fetched.next
          leader = looked.leader
          continue
        }
      }
      // The leader has the record, since the caller wrote it: a leader without it was replaced and does not know that.
      reason = looked.fetched === null ? looked.reason : `it ends at ${position}`
      if (reason === OUT_OF_RANGE && ++outOfRange > OUT_OF_RANGE_LOOKS) {
        throw new Error(`Partition ${partition} of ${this.#topic} no longer has offset ${position}.`)
      }
      leader = null
      await this.#clock.delay(LEADER_PAUSE_MS, signal)
    }
  }

  async stop(): Promise<void> {
    this.#connections.close()
  }

  /** Throws a halt at a batch that cannot be read. */
  #deliver(
    partition: number,
    messages: readonly FetchedRecord[],
    { start, through }: { readonly start: bigint; readonly through: bigint },
    onRecord: (record: LogRecord) => void,
  ): void {
    for (const message of messages) {
      const record = toRecord(partition, message as unknown as KafkaMessage)
      if (record.offset < start || record.offset > through || isControl(message)) continue
      if (record.unreadable !== undefined) throw batchUnreadable(`${this.#topic}[${partition}]`, record)
      onRecord(record)
    }
  }

  /** One fetch from the known leader, or from the one that a query names; or the reason why it returned nothing. */
  async #look(known: BrokerId | null, partition: number, position: bigint): Promise<Look> {
    try {
      const leader = known ?? (await leaderOf(this.#connections, this.#topic, partition))
      if (leader === null) return { fetched: null, reason: NO_LEADER }
      const fetched = await this.#fetch(leader, partition, position)
      return typeof fetched === 'string' ? { fetched: null, reason: fetched } : { fetched, leader }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      return { fetched: null, reason: error.message }
    }
  }

  /** What the leader returned, and where the next fetch begins; or the reason why it returned nothing. */
  async #fetch(leader: BrokerId, partition: number, position: bigint): Promise<string | Fetched> {
    const answer = await this.#connections.ask<FetchAnswer>(
      leader,
      'Fetch',
      {
        replicaId: -1,
        isolationLevel: READ_COMMITTED,
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: FETCH_BYTES_MAX,
        topics: [
          {
            topic: this.#topic,
            partitions: [{ partition, fetchOffset: position.toString(), maxBytes: FETCH_BYTES_MAX }],
          },
        ],
      },
      STATE_FETCH_TIMEOUT_MS,
    )
    const fetched = answer.responses[0]?.partitions[0]
    if (fetched === undefined) return 'its leader did not name it'
    const error = errorName(fetched.errorCode)
    if (error !== null) return error
    hideAborted(fetched)
    beginAt(fetched.messages, position)
    return { messages: fetched.messages, next: endOfBatches(fetched.messages) ?? position }
  }
}

const isControl = ({ isControlRecord }: FetchedRecord): boolean => isControlRecord === true
