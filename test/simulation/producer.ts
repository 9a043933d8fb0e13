import type { LogAppend } from '../../pipelines/kafka/records.ts'
import type { MemoryBroker } from './broker.ts'
import { NoAnswer } from './process.ts'
import type { Line, SimProcess } from './process.ts'
import type { ProducerEpoch } from './transactions.ts'

const ATTEMPTS_MAX = 2

/** A producer without transactions: after a send that is not answered it starts as a new one. */
export class MemoryProducer {
  readonly #process: SimProcess
  readonly #broker: MemoryBroker
  readonly #topic: string
  readonly #retries: () => boolean
  #producer: ProducerEpoch | undefined
  #sequences = new Map<number, number>()
  #line: Line = { freeAtMs: 0 }

  constructor(process: SimProcess, broker: MemoryBroker, topic: string, retries: () => boolean) {
    this.#process = process
    this.#broker = broker
    this.#topic = topic
    this.#retries = retries
  }

  /** Appends the records; rejects where the outcome is unknown. One call at a time. */
  async append(appends: readonly LogAppend[]): Promise<void> {
    const producer = (this.#producer ??= this.#broker.openProducer())
    const topic = this.#topic
    const byPartition = Map.groupBy(appends, ({ partition }) => partition)
    const batches = [...byPartition].map(([partition, records]) => ({
      topic,
      partition,
      sequence: this.#sequences.get(partition) ?? 0,
      records,
    }))
    const retries = this.#retries()
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#process.request(
          'append',
          (end) => this.#broker.append(producer, end === 'partly' ? batches.slice(0, 1) : batches),
          { line: this.#line },
        )
        for (const { partition, sequence, records } of batches) {
          this.#sequences.set(partition, sequence + records.length)
        }
        return
      } catch (error) {
        if (error instanceof NoAnswer && retries && attempt < ATTEMPTS_MAX) continue
        this.#producer = undefined
        this.#sequences = new Map()
        this.#line = { freeAtMs: 0 }
        throw error
      }
    }
  }
}
