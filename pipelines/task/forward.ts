import { ProduceError } from '../log/producer.ts'
import type { LogAppend } from '../log/records.ts'
import type { SharedAppend } from '../log/shared-append.ts'
import type { Forward } from './task.ts'
import { splitIntoSends } from '../log/sends.ts'

/** Most records in one send, which many tasks of a process may have to share. */
export const FORWARD_RECORDS_MAX = 1_000

/**
 * Sends what the tasks of one partition forward with the producer of their process that also writes ticks, one awaited
 * send at a time. It outlives the states of its slot: a task that fails at the same records again and again would send on
 * as many copies of what is among them.
 */
export class PartitionForward implements Forward {
  readonly #input: Pick<SharedAppend, 'append'>
  #below = 0n

  constructor(input: Pick<SharedAppend, 'append'>) {
    this.#input = input
  }

  get below(): bigint {
    return this.#below
  }

  async send(records: readonly LogAppend[], below: bigint): Promise<boolean> {
    for (const send of splitIntoSends(records, FORWARD_RECORDS_MAX)) {
      try {
        await this.#input.append(send)
      } catch (error) {
        // What was sent before, and perhaps this send too, is in the log: it comes again, and is dropped there as a
        // repeat.
        if (error instanceof ProduceError) return false
        throw error
      }
    }
    if (below > this.#below) this.#below = below
    return true
  }
}
