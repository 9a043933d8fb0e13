import { ClickhouseAway } from '../../../pipelines/clickhouse/errors.ts'
import type { BlockStore } from '../../../pipelines/load/store.ts'
import { INSERT_TIME_LIMIT_MS } from '../../../pipelines/load/store.ts'
import { contentWords, lookupName } from '../../../pipelines/dedupe/lookup.ts'
import type { Found, Lookup } from '../../../pipelines/dedupe/lookup.ts'
import type { FateEnd } from './fate.ts'
import { placeOf } from './cluster.ts'
import { NoAnswer } from './process.ts'
import type { SimProcess } from './process.ts'
import type { StoreServer } from './store-server.ts'
import type { StoredMark } from '../../../pipelines/blocks/fit.ts'
import type { StoredMarks } from '../../../pipelines/blocks/store-gate.ts'

/** As the services set it: the loader's timeout is longer than the server's own limit. */
const LOADER_TIMEOUT_MS = INSERT_TIME_LIMIT_MS + 2_000
const LOOKUP_TIMEOUT_MS = 5_000
const POLL_MS = 2_000

/** The connection of a process to the store: its requests, whose answers may be missing. */
export class StoreClient {
  readonly #process: SimProcess
  readonly #server: StoreServer

  constructor(process: SimProcess, server: StoreServer) {
    this.#process = process
    this.#server = server
  }

  /** The loader's requests to the store. */
  blockStore(): BlockStore {
    const server = this.#server
    return {
      loadedSeq: ({ topic, partition }) =>
        this.#ask('look', LOADER_TIMEOUT_MS, () => server.loadedSeq(placeOf(topic, partition))),
      mark: ({ topic, partition }) =>
        this.#ask('look', LOADER_TIMEOUT_MS, () => server.mark(placeOf(topic, partition))),
      noteReload: ({ topic, partition }, through) =>
        this.#ask('insert', LOADER_TIMEOUT_MS, () => server.noteReload(placeOf(topic, partition), through)),
      holds: (source, insert) => this.#ask('look', LOADER_TIMEOUT_MS, () => server.holds(source, insert)),
      insert: (insert, token) =>
        this.#ask('insert', LOADER_TIMEOUT_MS, (end) =>
          end === 'phantom' ? server.dieHavingLogged(insert, token) : server.land(insert, token),
        ),
    }
  }

  /** The aggregator's look-ups of old ids in the blocks of `topic`. */
  lookup(topic: string): Lookup {
    const server = this.#server
    return async (partition, evictedSeq, keys) => {
      try {
        return await this.#ask('look', LOOKUP_TIMEOUT_MS, () => {
          if (server.loadedSeq(placeOf(topic, partition)) < evictedSeq) return null
          const found: Map<string, { low: number; high: number }> = new Map()
          const asked = new Set(
            keys.map(({ nodeId, occurredAtMs, eventId, kind }) =>
              [nodeId, occurredAtMs, kind, eventId.toString('hex')].join(' '),
            ),
          )
          for (const row of server.rows('usage_events')) {
            const { node_id, occurred_at, event_id, id_kind, content_hash } = row
            if (!asked.has([node_id, occurred_at, id_kind, event_id].join(' '))) continue
            const name = lookupName(String(node_id), String(event_id), id_kind === 'text' ? 'text' : 'id')
            found.set(name, contentWords(content_hash as bigint))
          }
          return found satisfies Found
        })
      } catch (error) {
        if (error instanceof ClickhouseAway) return null
        throw error
      }
    }
  }

  /** Tracks how far the blocks of `topic` are loaded, as `LoadedSeqs` does. */
  followLoaded(topic: string, partitions: number): StoredMarks {
    const known: StoredMark[] = []
    const { promise: queried, resolve } = Promise.withResolvers<void>()
    void this.#poll(topic, partitions, known, resolve)
    return { of: (partition) => known[partition] ?? null, queried }
  }

  async #poll(topic: string, partitions: number, known: StoredMark[], onPolled: () => void): Promise<void> {
    for (;;) {
      try {
        const marks = await this.#ask('look', LOOKUP_TIMEOUT_MS, () =>
          Array.from({ length: partitions }, (_, partition) => this.#server.mark(placeOf(topic, partition))),
        )
        known.splice(0, known.length, ...marks)
      } catch (error) {
        if (!(error instanceof ClickhouseAway)) throw error
      }
      onPolled()
      await this.#process.clock.delay(POLL_MS)
    }
  }

  async #ask<T>(kind: 'look' | 'insert', timeoutMs: number, apply: (end: FateEnd) => T): Promise<T> {
    const server = this.#server
    const { life } = server
    try {
      return await this.#process.request(
        kind,
        (end) => {
          // A server that is away accepts no connection; requests to its former life are lost with it.
          if (!server.isUp || server.life !== life) throw new NoAnswer('no connection')
          return apply(end)
        },
        { timeoutMs },
      )
    } catch (error) {
      if (error instanceof NoAnswer) throw new ClickhouseAway(error.message)
      throw error
    }
  }
}
