import { ProduceError } from '../log/producer.ts'
import type { SharedAppend } from '../log/shared-append.ts'
import type { Forward } from './task.ts'
import { splitIntoSends } from '../log/sends.ts'

/** Most records in one send, which many tasks of a process may have to share. */
export const FORWARD_RECORDS_MAX = 1_000

/**
 * Sends what tasks forward with the producer of their process that also writes ticks, one awaited send of a task at a
 * time.
 */
export function forwardOver(input: Pick<SharedAppend, 'append'>): Forward {
  return async (records) => {
    for (const send of splitIntoSends(records, FORWARD_RECORDS_MAX)) {
      try {
        await input.append(send)
      } catch (error) {
        // What was sent before, and perhaps this send too, is in the log: it comes again, and is dropped there as a
        // repeat.
        if (error instanceof ProduceError) return false
        throw error
      }
    }
    return true
  }
}
