import { FatalError, HaltError } from './records.ts'

/** What a decision asked of the outside failed (a look-up, the packing of blocks): no record is at fault. */
export class OutsideError extends Error {
  readonly code = 'OUTSIDE'
}

/** Waits for what a decision asks of the outside, so that its failure is never held against a record. */
export async function outside<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof HaltError || error instanceof FatalError) throw error
    throw new OutsideError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
