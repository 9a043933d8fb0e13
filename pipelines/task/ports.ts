import type { LogRecord, TopicAppend } from '../log/records.ts'

/** The transactional writer of one task, under a name that fences whoever had it before. */
export interface TaskWriter {
  /**
   * Writes all records in one committed transaction, in their order. Returns the offset of each record, in the order given.
   * Any error leaves the outcome unknown: the caller throws the writer away (`close`) and fences anew.
   */
  commit(records: readonly TopicAppend[]): Promise<readonly bigint[]>
  /** Lets go of what it holds; an open transaction is left to the next fence or to its timeout. */
  close(): Promise<void>
}

/** Reads partitions of the tasks' state topic for restores. */
export interface StateSource {
  /**
   * Delivers the partition's committed records from `start` up to the one at offset `through`, which must be a committed
   * record of the caller's own (its fence): never "to the end", which aborted tails would make last for ever. Rejects when
   * records between are gone, with a halt where a batch cannot be read, and when `signal` aborts; nothing is delivered after that.
   */
  read(
    partition: number,
    range: { readonly start: bigint; readonly through: bigint },
    onRecord: (record: LogRecord) => void,
    signal?: AbortSignal,
  ): Promise<void>
}
