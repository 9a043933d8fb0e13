import type { LogEnds } from '../../pipelines/kafka/stable-ends.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** A producer's transaction that is open for this long blocks its partition, and is named. */
export const OPEN_TRANSACTION_MS = 15_000

/** The part of a partition that is behind an open transaction. */
export interface OpenTransaction {
  readonly partition: number
  /** The offset of the transaction's first record: nothing from here on is read. */
  readonly from: bigint
  /** Number of records from there on, those of the transaction and all others. */
  readonly records: bigint
  readonly openMs: number
}

/**
 * How long the last stable offset of each partition has been below its high watermark. An offset that advances is behind
 * several transactions, each of which has ended; only one that does not advance shows a producer that does not end its
 * transaction.
 */
export class OpenTransactions {
  readonly #since = new Map<number, { readonly ends: LogEnds; readonly sinceMs: number }>()

  /** Takes the result of one query; a partition that is not in it was not seen, and stays as it was. */
  observe(found: ReadonlyMap<number, LogEnds>, nowMs: number): void {
    for (const [partition, ends] of found) {
      const before = this.#since.get(partition)
      if (ends.stable >= ends.high) this.#since.delete(partition)
      else {
        const isUnchanged = before !== undefined && before.ends.stable === ends.stable
        this.#since.set(partition, { ends, sinceMs: isUnchanged ? before.sinceMs : nowMs })
      }
    }
  }

  /** How long the oldest transaction of the partition has been seen open; 0 where none is. */
  openMs(partition: number, nowMs: number): number {
    const open = this.#since.get(partition)
    return open === undefined ? 0 : nowMs - open.sinceMs
  }

  /** Those that have been open for too long, by partition. */
  hanging(nowMs: number): OpenTransaction[] {
    return [...this.#since]
      .map(([partition, { ends, sinceMs }]) => ({
        partition,
        from: ends.stable,
        records: ends.high - ends.stable,
        openMs: nowMs - sinceMs,
      }))
      .filter(({ openMs }) => openMs >= OPEN_TRANSACTION_MS)
      .toSorted((left, right) => left.partition - right.partition)
  }
}

/** For /readyz: which partition is blocked, since when, and what to do about it. */
export function openTransactionNote(topic: string, open: OpenTransaction): string {
  const { partition, from, records, openMs } = open
  return (
    `${topic}[${partition}]: a producer's transaction has been open for ${Math.floor(openMs / SECOND_MS)} s, and ${records} records from ` +
    `offset ${from} on are not read until it ends. End that producer, or abort it: kafka-transactions.sh --bootstrap-server ` +
    `<broker> abort --topic ${topic} --partition ${partition} --start-offset ${from} (docs/producing.md)`
  )
}
