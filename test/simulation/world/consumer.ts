import type { GroupConsumer, GroupConsumerHandlers } from '../../../pipelines/log/group-consumer.ts'
import { placeOf } from './cluster.ts'
import type { FetchPlace, MemoryCluster } from './cluster.ts'
import type { Group, GroupOptions } from './groups.ts'
import { OffsetOutOfRange } from './partition-log.ts'
import type { Fetched } from './partition-log.ts'
import { NoAnswer } from './process.ts'
import type { SimProcess } from './process.ts'
import { BrokerRefusal } from './transactions.ts'

/** kafkajs waits 100 ms; more requests would only add turns of an idle loop. */
const FETCH_WAIT_MS = 500
const HEARTBEAT_INTERVAL_MS = 1_000
const RETRY_MS = 300

export interface ConsumerOptions {
  readonly process: SimProcess
  readonly cluster: MemoryCluster
  readonly groupId: string
  readonly topics: readonly string[]
  readonly group: GroupOptions
  readonly recordsMax: () => number
}

/**
 * kafkajs' consumer as the services use it: one loop that fetches all its partitions, hands the batches out side by side,
 * and fetches again when all are handled. It sends heartbeats between and within batches, and joins again when an answer
 * requires it.
 */
export class MemoryConsumer implements GroupConsumer {
  readonly #options: ConsumerOptions
  readonly #group: Group
  #handlers: GroupConsumerHandlers | undefined
  #running: Promise<void> | undefined
  #memberId: string | null = null
  #generation = 0
  #assigned: readonly number[] = []
  /** The next offset of each place, as far as this generation knows it. */
  #positions = new Map<string, bigint>()
  readonly #seeks = new Map<string, bigint>()
  readonly #paused = new Set<string>()
  #lastHeartbeatMs = 0
  #beating: Promise<void> | undefined
  #isStopping = false

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#group = options.cluster.group(options.groupId, options.group)
  }

  async start(handlers: GroupConsumerHandlers): Promise<void> {
    this.#handlers = handlers
    this.#running = this.#run(handlers).catch((error: Error) => handlers.onFailed(error))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  /** Joins and runs until `stop`; resolves when the consumer has left the group. */
  async #run(handlers: GroupConsumerHandlers): Promise<void> {
    const { process } = this.#options
    let mustJoin = true
    while (!this.#isStopping) {
      try {
        if (mustJoin) await this.#join(handlers)
        mustJoin = false
        await this.#turn(handlers)
      } catch (error) {
        if (error instanceof BrokerRefusal) {
          if (error.type === 'UNKNOWN_MEMBER_ID') this.#memberId = null
          mustJoin = true
        } else if (!(error instanceof NoAnswer)) throw error
        await process.clock.delay(RETRY_MS)
      }
    }
    await handlers.beforeRebalance()
    const memberId = this.#memberId
    if (memberId !== null) await this.#ask(() => this.#group.leave(memberId)).catch(() => {})
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#seeks.set(placeOf(topic, partition), offset)
  }

  pause(topic: string, partition: number): void {
    this.#paused.add(placeOf(topic, partition))
  }

  resume(topic: string, partition: number): void {
    this.#paused.delete(placeOf(topic, partition))
  }

  async #commit(topic: string, partition: number, offset: bigint): Promise<void> {
    const memberId = this.#memberId
    if (memberId === null) throw new BrokerRefusal('UNKNOWN_MEMBER_ID')
    const generation = this.#generation
    await this.#ask(
      () => this.#group.commit(memberId, generation, placeOf(topic, partition), offset),
      'offsets',
    )
  }

  /** One heartbeat a second, however many callers want one. */
  async #heartbeat(): Promise<void> {
    const { process } = this.#options
    const memberId = this.#memberId
    if (this.#beating !== undefined) return await this.#beating
    if (memberId === null) return
    if (process.clock.monotonicMs() < this.#lastHeartbeatMs + HEARTBEAT_INTERVAL_MS) return
    const generation = this.#generation
    const beat = async (): Promise<void> => {
      await this.#ask(() => this.#group.heartbeat(memberId, generation))
      this.#handlers?.onHeartbeat()
      this.#lastHeartbeatMs = process.clock.monotonicMs()
    }
    this.#beating = beat().finally(() => {
      this.#beating = undefined
    })
    await this.#beating
  }

  #ask<T>(apply: () => T | Promise<T>, kind: 'group' | 'offsets' = 'group', timeoutMs = 4_000): Promise<T> {
    const { process, cluster, groupId } = this.#options
    return process.request(kind, () => cluster.ofGroup(groupId, apply), { timeoutMs })
  }

  async #join(handlers: GroupConsumerHandlers): Promise<void> {
    const { group, process, topics } = this.#options
    await handlers.beforeRebalance()
    const memberId = this.#memberId
    const joined = await this.#ask(() => this.#group.join(memberId), 'group', group.rebalanceMs + 5_000)
    this.#memberId = joined.memberId
    this.#generation = joined.generation
    this.#assigned = joined.partitions
    this.#positions = new Map()
    this.#lastHeartbeatMs = process.clock.monotonicMs()
    process.trace(`joined generation ${joined.generation} with partitions ${joined.partitions.join()}`)
    handlers.onAssigned(new Map(topics.map((topic) => [topic, joined.partitions])))
  }

  async #turn(handlers: GroupConsumerHandlers): Promise<void> {
    const batches = await this.#fetch()
    if (batches.length === 0) await this.#heartbeat()
    const handled = await Promise.allSettled(batches.map((batch) => this.#handle(batch, handlers)))
    for (const result of handled) if (result.status === 'rejected') throw result.reason
  }

  async #fetch(): Promise<(Fetched & FetchPlace)[]> {
    const { process, cluster, topics, recordsMax } = this.#options
    this.#applySeeks()
    await this.#lookUpPositions()
    const places = topics.flatMap((topic) =>
      this.#assigned
        .filter((partition) => !this.#paused.has(placeOf(topic, partition)))
        .map((partition) => ({
          topic,
          partition,
          from: this.#positions.get(placeOf(topic, partition)) ?? 0n,
        })),
    )
    if (places.length === 0) {
      await process.clock.delay(FETCH_WAIT_MS)
      return []
    }
    try {
      const fetched = await process.request('fetch', () => cluster.fetch(places, recordsMax, FETCH_WAIT_MS))
      return fetched.filter(({ topic, partition }) => {
        const place = placeOf(topic, partition)
        return !this.#seeks.has(place) && !this.#paused.has(place)
      })
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error
      for (const { topic, partition } of places) {
        const { start, end } = cluster.log(topic, partition)
        const place = placeOf(topic, partition)
        const position = this.#positions.get(place) ?? 0n
        if (position < start || position > end) this.#positions.set(place, start)
      }
      return []
    }
  }

  /** A seek in a partition that another member has waits until the partition comes back: kafkajs forgets no seek. */
  #applySeeks(): void {
    for (const topic of this.#options.topics) {
      for (const partition of this.#assigned) {
        const place = placeOf(topic, partition)
        const sought = this.#seeks.get(place)
        if (sought !== undefined) this.#positions.set(place, sought)
        this.#seeks.delete(place)
      }
    }
  }

  /** The group's offsets where this generation has no position yet; the start of the log where the group has none. */
  async #lookUpPositions(): Promise<void> {
    const { topics, cluster } = this.#options
    const places = topics.flatMap((topic) => this.#assigned.map((partition) => ({ topic, partition })))
    if (places.every(({ topic, partition }) => this.#positions.has(placeOf(topic, partition)))) return
    const offsets = await this.#ask(() => new Map(this.#group.offsets), 'offsets')
    for (const { topic, partition } of places) {
      const place = placeOf(topic, partition)
      if (this.#positions.has(place)) continue
      this.#positions.set(place, offsets.get(place) ?? cluster.log(topic, partition).start)
    }
  }

  async #handle(
    { topic, partition, first, last, records }: Fetched & FetchPlace,
    handlers: GroupConsumerHandlers,
  ): Promise<void> {
    const place = placeOf(topic, partition)
    const { end } = this.#options.cluster.log(topic, partition)
    handlers.onFetched(topic, partition, { first, last, records: records.length, end })
    if (records.length === 0) {
      this.#positions.set(place, last + 1n)
      return await this.#heartbeat()
    }
    await handlers.onBatch({
      topic,
      partition,
      records,
      lastOffset: last,
      isStale: () => this.#seeks.has(place),
      resolve: () => this.#positions.set(place, last + 1n),
      heartbeat: () => this.#heartbeat(),
      commit: (offset) => this.#commit(topic, partition, offset),
    })
    await this.#heartbeat()
  }
}
