import type { KafkaOptions } from './kafkajs/client.ts'
import type { Failpoint } from '../failpoints.ts'
import { overKafka } from './produce/over-kafka.ts'
import type { ProduceOver } from './produce/over-kafka.ts'
import { TransactionSession } from './produce/transaction-session.ts'
import type { ProduceWire } from './produce/wire.ts'
import type { TopicAppend } from '../log/records.ts'
import type { TaskWriter } from '../task/ports.ts'
import { splitIntoSends } from '../log/sends.ts'

export interface TransactionalWriterOptions extends KafkaOptions {
  readonly transactionalId: string
  readonly failpoint: Failpoint
}

/**
 * One task's transactional producer. Any error after begin leaves the outcome unknown: the caller discards the writer
 * (`close`) and fences anew.
 */
export class TransactionalWriter implements TaskWriter {
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

  /** Closes the connections; an open transaction is left to the next fence or to its timeout. */
  async close(): Promise<void> {
    this.#session.close()
    await this.#wire.close()
  }
}
