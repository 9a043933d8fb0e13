import type { LogRecord, TopicAppend } from '../log/records.ts'

/** The transactional writer of one task, under a name that fences every earlier writer of that name. */
export interface TaskWriter {
  /**
   * Writes all records in one committed transaction, in their order. Returns the offset of each record, in the order
   * given. Any error leaves the outcome unknown: the caller discards the writer (`close`) and fences anew.
   */
  commit(records: readonly TopicAppend[]): Promise<readonly bigint[]>
  /** Releases what the writer holds. An open transaction is left to the next fence or to its timeout. */
  close(): Promise<void>
}

/** Reads partitions of the tasks' state topic for restores. */
export interface StateSource {
  /**
   * Delivers the partition's committed records from `start` up to the one at offset `through`, which must be a committed
   * record of the caller's own (its fence). It never reads "to the end", which open transactions that are aborted later
   * would delay for ever. Rejects when records in between are gone, with a halt where a batch cannot be read, and when
   * `signal` aborts; nothing is delivered after that.
   */
  read(
    partition: number,
    range: { readonly start: bigint; readonly through: bigint },
    onRecord: (record: LogRecord) => void,
    signal?: AbortSignal,
  ): Promise<void>
}
