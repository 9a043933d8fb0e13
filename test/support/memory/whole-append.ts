import type { Acknowledgement, LogProducer } from '../../../pipelines/log/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'

const ACKNOWLEDGED: Acknowledgement = { baseOffset: 0n, logAppendTimeMs: 0 }

/** A producer that is only a function: its result for an append counts for every partition of it. */
export function appendingWhole(append: (records: readonly LogAppend[]) => Promise<void>): LogProducer {
  const appendEach = (records: readonly LogAppend[]): Map<number, Promise<Acknowledgement>> => {
    const done = append(records).then(() => ACKNOWLEDGED)
    return new Map(records.map(({ partition }) => [partition, done]))
  }
  return {
    appendEach,
    append: async (records) => {
      for (const done of appendEach(records).values()) await done
      return new Map(records.map(({ partition }) => [partition, ACKNOWLEDGED]))
    },
    stop: async () => {},
  }
}
