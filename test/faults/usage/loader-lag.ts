import { systemClock } from '../../../pipelines/clock.ts'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { clusterPicture } from '../../support/servers/kafka-metadata.ts'
import { recordsOf } from '../checker/logs/batch-records.ts'
import { readBatches } from '../checker/logs/raw-log.ts'
import type { RawBatch } from '../checker/logs/raw-log.ts'
import type { Span } from '../harness/outage.ts'

const PERIOD_MS = 1_000

interface Block {
  readonly seq: number
  /** When its transaction was committed: from then on it could be loaded. */
  readonly sinceMs: number
}

/** The blocks of one partition that are committed and, as far as is known, not loaded. */
export class PendingBlocks {
  #next = 0n
  readonly #open = new Map<bigint, number[]>()
  #pending: Block[] = []

  /** The offset to read on from. */
  get next(): bigint {
    return this.#next
  }

  /** Takes the next batch of the log. */
  async take({ bytes, header }: RawBatch): Promise<void> {
    const { producerId, marker, timestampMs, lastOffset } = header
    this.#next = lastOffset + 1n
    const open = this.#open.get(producerId) ?? []
    if (marker === null) {
      const seqs = (await recordsOf(bytes)).flatMap((record) => {
        const seq = record.header(BLOCK_HEADER.seq)
        return seq === null ? [] : Number(seq.toString())
      })
      this.#open.set(producerId, [...open, ...seqs])
      return
    }
    this.#open.delete(producerId)
    if (marker === 'commit') for (const seq of open) this.#pending.push({ seq, sinceMs: timestampMs })
  }

  /** The waiting time of the oldest block above `loadedSeq`. */
  lagMs(loadedSeq: number, nowMs: number): number {
    this.#pending = this.#pending.filter(({ seq }) => seq > loadedSeq)
    const since = this.#pending.reduce((least, { sinceMs }) => Math.min(least, sinceMs), nowMs)
    return nowMs - since
  }
}

/**
 * Measures once a second how far ClickHouse is behind the log: the age of the oldest committed block that is not loaded,
 * of all partitions of both block topics.
 */
export class LoaderLag {
  readonly #installation: Installation
  readonly #pending = new Map<string, PendingBlocks>()
  readonly #samples: { readonly atMs: number; readonly lagMs: number }[] = []
  /** Queries that failed: a broker or ClickHouse was away. */
  missed = 0

  constructor(installation: Installation) {
    this.#installation = installation
  }

  /** Measures until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look()
      } catch {
        this.missed++
      }
      await systemClock.delay(PERIOD_MS, signal)
    }
  }

  /** The highest value in the span. */
  lagMs({ fromMs, toMs }: Span): number {
    const some = this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    return some.reduce((most, { lagMs }) => Math.max(most, lagMs), 0)
  }

  async #look(): Promise<void> {
    const { kafka, topics, clickhouse } = this.#installation
    const wanted = new Set([topics.usageBlocks, topics.settlementBlocks])
    const { brokers, partitions } = await clusterPicture(kafka.brokers, (topic) => wanted.has(topic))
    await Promise.all(
      partitions.map(async ({ topic, partition, leader }) => {
        const broker = brokers.get(leader)
        const pending = this.#of(topic, partition)
        if (broker === undefined) return
        for await (const batch of readBatches({
          leader: async () => broker,
          topic,
          partition,
          from: pending.next,
        })) {
          await pending.take(batch)
        }
      }),
    )
    const atMs = systemClock.nowMs()
    const rows = await clickhouse.rows<{ topic: string; partition: number; seq: string }>(
      `SELECT src_topic AS topic, src_partition AS partition, max(src_seq) AS seq FROM watermarks
         GROUP BY topic, partition`,
    )
    const loaded = new Map(rows.map(({ topic, partition, seq }) => [nameOf(topic, partition), Number(seq)]))
    const lags = [...this.#pending].map(([name, pending]) => pending.lagMs(loaded.get(name) ?? 0, atMs))
    this.#samples.push({ atMs, lagMs: Math.max(0, ...lags) })
  }

  #of(topic: string, partition: number): PendingBlocks {
    const name = nameOf(topic, partition)
    const pending = this.#pending.get(name) ?? new PendingBlocks()
    this.#pending.set(name, pending)
    return pending
  }
}

const nameOf = (topic: string, partition: number): string => `${topic} ${partition}`
