import { FatalError, HaltError } from './records.ts'

/** Something that a decision needs from outside failed (a look-up, the packing of blocks): no record is the cause. */
export class OutsideError extends Error {
  readonly code = 'OUTSIDE'
}

/** Awaits what a decision needs from outside, so that its failure is never attributed to a record. */
export async function outside<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof HaltError || error instanceof FatalError) throw error
    throw new OutsideError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
