import { ClickhouseAway } from '../clickhouse/errors.ts'
import type { Clock } from '../clock.ts'
import type { PartitionLoader } from './pipeline.ts'
import type { BlockSource, BlockStore } from './store.ts'

/** A partition that is silent for so long is asked for in ClickHouse, and as often again. */
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
 * Notices that ClickHouse was put back from an older copy where no block comes that would show it: a task may be waiting
 * for what is not loaded any more. Ends with the signal; an answer that is missing is asked for again.
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
