import type { LogEnds } from '../../pipelines/kafka/stable-ends.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** A producer's transaction that is open for so long holds its partition up, and is named. */
export const OPEN_TRANSACTION_MS = 15_000

/** What stands in a partition behind an open transaction. */
export interface OpenTransaction {
  readonly partition: number
  /** Where the transaction's first record stands: nothing from here on is read. */
  readonly from: bigint
  /** Records from there on, its own and everybody else's. */
  readonly records: bigint
  readonly openMs: number
}

/**
 * How long the last stable offset of each partition has stood below its high watermark. One that moves stands behind several
 * transactions, each of which has ended: only one that stands still is a producer that does not end.
 */
export class OpenTransactions {
  readonly #since = new Map<number, { readonly ends: LogEnds; readonly sinceMs: number }>()

  /** What a look has found; a partition that is not in it was not seen, and stays as it was. */
  look(found: ReadonlyMap<number, LogEnds>, nowMs: number): void {
    for (const [partition, ends] of found) {
      const before = this.#since.get(partition)
      if (ends.stable >= ends.high) this.#since.delete(partition)
      else {
        const stands = before !== undefined && before.ends.stable === ends.stable
        this.#since.set(partition, { ends, sinceMs: stands ? before.sinceMs : nowMs })
      }
    }
  }

  /** How long the oldest transaction of the partition has been seen open; 0 where none is. */
  openMs(partition: number, nowMs: number): number {
    const open = this.#since.get(partition)
    return open === undefined ? 0 : nowMs - open.sinceMs
  }

  /** Those that are open for too long, by partition. */
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

/** For /readyz: what stands, since when, and what to do about it. */
export function openTransactionNote(topic: string, open: OpenTransaction): string {
  const { partition, from, records, openMs } = open
  return (
    `${topic}[${partition}]: a producer's transaction has been open for ${Math.floor(openMs / SECOND_MS)} s, and ${records} records from ` +
    `offset ${from} on are not read until it ends. End that producer, or abort it: kafka-transactions.sh --bootstrap-server ` +
    `<broker> abort --topic ${topic} --partition ${partition} --start-offset ${from} (docs/producing.md)`
  )
}
