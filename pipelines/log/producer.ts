import type { LogAppend } from './records.ts'

/** Where the broker put the first of a partition's records, and when, by the broker's clock and not ours. */
export interface Acknowledgement {
  readonly baseOffset: bigint
  readonly logAppendTimeMs: number
}

/** The send was not acknowledged: its records may be in the log, or not. The caller must not simply send them again. */
export class ProduceError extends Error {
  readonly code = 'PRODUCE_FAILED'
  /** False where it is known that none of its records is in the log, or will be. */
  readonly mayBeStored: boolean

  constructor(message: string, options: ErrorOptions & { readonly mayBeStored?: boolean } = {}) {
    super(message, options)
    this.mayBeStored = options.mayBeStored ?? true
  }
}

/** Appends records to one topic outside transactions. A partition has one append under way at a time. */
export interface LogProducer {
  /**
   * Appends the records, in order within each partition. The promise of each partition resolves once its leader and all
   * replicas in sync have its records, whatever happens to the others. It rejects with `ProduceError` where that is not
   * known.
   */
  appendEach(records: readonly LogAppend[]): ReadonlyMap<number, Promise<Acknowledgement>>
  /**
   * The same for all partitions together: resolves when all are acknowledged; rejects after the last one has ended, if one
   * was not acknowledged.
   */
  append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>>
  stop(): Promise<void>
}
