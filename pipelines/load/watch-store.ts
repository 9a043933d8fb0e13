import { ClickhouseAway } from '../clickhouse/errors.ts'
import type { Clock } from '../clock.ts'
import type { PartitionLoader } from './pipeline.ts'
import type { BlockSource, BlockStore } from './store.ts'

/** ClickHouse is queried about a partition that is silent for this long, and again after the same time. */
export const STORE_WATCH_MS = 5_000

export interface WatchStoreOptions {
  /** The partitions that this process loads now. */
  readonly loaders: () => Iterable<PartitionLoader>
  readonly store: Pick<BlockStore, 'loadedSeq'>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The partition's records are to be delivered again from `offset` on. */
  readonly redeliver: (source: BlockSource, offset: bigint) => void
}

/**
 * Notices that ClickHouse was replaced by an older copy, where no block comes that would show it: a task may be waiting for
 * blocks that are not loaded any more. Ends with the signal; where an answer is missing, the query is repeated.
 */
export async function watchStore(options: WatchStoreOptions): Promise<void> {
  const { loaders, clock, signal } = options
  while (!signal.aborted) {
    await clock.delay(STORE_WATCH_MS, signal)
    for (const loader of loaders()) {
      if (signal.aborted) return
      await look(loader, options)
    }
  }
}

async function look(loader: PartitionLoader, { store, redeliver }: WatchStoreOptions): Promise<void> {
  const before = loader.silentAt(STORE_WATCH_MS)
  if (before === null) return
  try {
    if ((await store.loadedSeq(loader.source)) >= before) return
  } catch (error) {
    if (error instanceof ClickhouseAway) return
    throw error
  }
  const offset = loader.goBackWhileSilent()
  if (offset !== null) redeliver(loader.source, offset)
}
