import type { LogAppend } from './records.ts'

/** Where the broker put the first of a partition's records, and when: its clock, not ours. */
export interface Acknowledgement {
  readonly baseOffset: bigint
  readonly logAppendTimeMs: number
}

/** The send was not acknowledged: its records may be in the log, or not. The caller must not send them again by itself. */
export class ProduceError extends Error {
  readonly code = 'PRODUCE_FAILED'
  /** False where it is known that nothing of it is in the log, or will be. */
  readonly mayBeStored: boolean

  constructor(message: string, options: ErrorOptions & { readonly mayBeStored?: boolean } = {}) {
    super(message, options)
    this.mayBeStored = options.mayBeStored ?? true
  }
}

/** Appends records to one topic outside transactions. A partition has one append under way at a time. */
export interface LogProducer {
  /**
   * Appends the records, in order within each partition; the promise of each partition resolves once its leader and all
   * replicas in sync have them, whatever becomes of the others. It rejects with `ProduceError` where that is not known.
   */
  appendEach(records: readonly LogAppend[]): ReadonlyMap<number, Promise<Acknowledgement>>
  /** The same as a whole: resolves when all are acknowledged, rejects when the last has ended and one was not. */
  append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>>
  stop(): Promise<void>
}
