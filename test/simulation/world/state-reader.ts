import type { StateSource } from '../../../pipelines/task/ports.ts'
import type { MemoryCluster } from './cluster.ts'
import { OffsetOutOfRange } from './partition-log.ts'
import { NoAnswer } from './process.ts'
import type { SimProcess } from './process.ts'

const FETCH_WAIT_MS = 100

/** Reads a state partition for a restore, as `StateReader` does: up to a committed record; markers count. */
export function memoryStateReader(
  process: SimProcess,
  cluster: MemoryCluster,
  topic: string,
  recordsMax: () => number,
): StateSource {
  return {
    read: async (partition, { start, through }, onRecord, signal) => {
      let position = start
      while (position <= through) {
        const from = position
        try {
          const [fetched] = await process.request('fetch', () =>
            cluster.fetch([{ topic, partition, from }], recordsMax, FETCH_WAIT_MS),
          )
          if (signal?.aborted === true) throw new Error('The read was given up.')
          for (const record of fetched?.records ?? []) if (record.offset <= through) onRecord(record)
          if (fetched !== undefined) position = fetched.last + 1n
        } catch (error) {
          if (error instanceof OffsetOutOfRange) position = cluster.log(topic, partition).start
          else if (!(error instanceof NoAnswer)) throw error
        }
      }
    },
  }
}
