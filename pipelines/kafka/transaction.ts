import { SEND_BYTES_MAX, SEND_RECORDS_MAX } from './client.ts'
import type { KafkaOptions } from './client.ts'
import type { Failpoint } from '../failpoints.ts'
import { overKafka } from './produce/over-kafka.ts'
import type { ProduceOver } from './produce/over-kafka.ts'
import { TransactionSession } from './produce/transaction-session.ts'
import type { ProduceWire } from './produce/wire.ts'
import type { TopicAppend } from './records.ts'

export interface TransactionalWriterOptions extends KafkaOptions {
  readonly transactionalId: string
  readonly failpoint: Failpoint
}

/**
 * One task's transactional producer. Any error after begin leaves the outcome unknown: the caller throws the writer away
 * (`close`) and fences anew.
 */
export class TransactionalWriter {
  readonly #wire: ProduceWire
  readonly #session: TransactionSession
  readonly #failpoint: Failpoint

  constructor(options: TransactionalWriterOptions, over: ProduceOver = overKafka(options)) {
    const { transactionalId } = options
    this.#failpoint = options.failpoint
    this.#wire = over.openWire()
    this.#session = new TransactionSession({ wire: this.#wire, clock: over.clock, transactionalId })
  }

  /**
   * Writes all records in one committed transaction, in their order, one awaited send at a time.
   * Returns the offset of each record, in the order given. Rejects with the outcome unknown.
   */
  async commit(records: readonly TopicAppend[]): Promise<readonly bigint[]> {
    const session = this.#session
    await session.begin()
    const offsets: bigint[] = []
    for (const send of splitIntoSends(records)) offsets.push(...(await session.send(send)))
    await this.#failpoint('after_send')
    await Promise.all([session.commit(), this.#failpoint('during_commit')])
    await this.#failpoint('after_commit')
    return offsets
  }

  /** Lets go of the connections; an open transaction is left to the next fence or to its timeout. */
  async close(): Promise<void> {
    this.#session.close()
    await this.#wire.close()
  }
}

/** Cuts records into sends within the bounds, keeping their order; a record above the bound goes alone. */
export function splitIntoSends<R extends Pick<TopicAppend, 'value'>>(
  records: readonly R[],
  recordsMax: number = SEND_RECORDS_MAX,
): R[][] {
  const sends: R[][] = []
  let send: R[] = []
  let bytes = 0
  for (const record of records) {
    const size = record.value?.length ?? 0
    if (send.length > 0 && (bytes + size > SEND_BYTES_MAX || send.length === recordsMax)) {
      sends.push(send)
      send = []
      bytes = 0
    }
    send.push(record)
    bytes += size
  }
  if (send.length > 0) sends.push(send)
  return sends
}
