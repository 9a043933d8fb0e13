import type { Failpoint } from '../../pipelines/failpoints.ts'
import { splitIntoSends } from '../../pipelines/kafka/transaction.ts'
import type { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import type { TopicAppend } from '../../pipelines/kafka/records.ts'
import { placeOf } from './broker.ts'
import type { MemoryBroker, ProduceBatch } from './broker.ts'
import type { FateEnd } from './fate.ts'
import { NoAnswer } from './process.ts'
import type { Line, SimProcess } from './process.ts'
import { BrokerRefusal } from './transactions.ts'
import type { ProducerEpoch } from './transactions.ts'

/** kafkajs asks again after a timeout or "not now"; this often in all. */
const ATTEMPTS_MAX = 3
const RETRY_MS = 20
const CONCURRENT_RETRIES_MAX = 400

/** What a writer offers: the shape of `TransactionalWriter`. */
export type Writer = Pick<TransactionalWriter, 'commit' | 'close'>

/** A transactional producer of a process, as kafkajs would speak to the broker for it. */
export class MemoryWriter implements Writer {
  readonly #process: SimProcess
  readonly #broker: MemoryBroker
  readonly #transactionalId: string
  /** True: a request that is not answered is sent again, as kafkajs does; false: the connection is gone for good. */
  readonly #retries: () => boolean
  /** True: where an EndTxn is done and not answered, the broker forgets to write its markers. */
  readonly #forgets: () => boolean
  readonly #sequences = new Map<string, number>()
  readonly #line: Line = { freeAtMs: 0 }
  #producer: ProducerEpoch | undefined
  #isClosed = false

  readonly #failpoint: Failpoint

  constructor(options: {
    readonly process: SimProcess
    readonly broker: MemoryBroker
    readonly transactionalId: string
    readonly retries: () => boolean
    readonly forgets?: () => boolean
    readonly failpoint: Failpoint
  }) {
    this.#process = options.process
    this.#broker = options.broker
    this.#transactionalId = options.transactionalId
    this.#retries = options.retries
    this.#forgets = options.forgets ?? (() => false)
    this.#failpoint = options.failpoint
  }

  async commit(records: readonly TopicAppend[]): Promise<readonly bigint[]> {
    const broker = this.#broker
    this.#producer ??= await this.#ask('init', () => broker.transactions.init(this.#transactionalId))
    const producer = this.#producer
    const offsets: bigint[] = []
    for (const send of splitIntoSends(records)) offsets.push(...(await this.#send(producer, send)))
    await this.#failpoint('after_send')
    const committed = this.#ask('end', (end, isRepeated) => {
      // Asked again, it would be answered as if all were well; the next transaction would then end this one too.
      const isForgotten = end === 'unanswered' && !isRepeated && this.#forgets()
      broker.transactions.commit(producer, isForgotten)
    })
    await Promise.all([committed, this.#failpoint('during_commit')])
    await this.#failpoint('after_commit')
    return offsets
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async #send(producer: ProducerEpoch, records: readonly TopicAppend[]): Promise<bigint[]> {
    const batches = new Map<string, ProduceBatch & { records: TopicAppend[] }>()
    for (const record of records) {
      const { topic, partition } = record
      const place = placeOf(topic, partition)
      const batch = batches.get(place)
      if (batch === undefined) {
        const sequence = this.#sequences.get(place) ?? 0
        batches.set(place, { topic, partition, sequence, records: [record] })
      } else batch.records.push(record)
    }
    const sent = [...batches.values()]
    const bases = await this.#ask('produce', (end) =>
      this.#broker.produce(producer, end === 'partly' ? sent.slice(0, 1) : sent),
    )
    const next = new Map<string, bigint>()
    for (const [index, [place, { sequence, records }]] of [...batches].entries()) {
      this.#sequences.set(place, sequence + records.length)
      next.set(place, bases[index] as bigint)
    }
    return records.map(({ topic, partition }) => {
      const offset = next.get(placeOf(topic, partition)) as bigint
      next.set(placeOf(topic, partition), offset + 1n)
      return offset
    })
  }

  /** One request with kafkajs' own repeats. */
  async #ask<T>(
    kind: 'init' | 'produce' | 'end',
    apply: (end: FateEnd, isRepeated: boolean) => T | Promise<T>,
  ): Promise<T> {
    const retries = this.#retries()
    for (let attempt = 1, concurrent = 0; ; ) {
      if (this.#isClosed) throw new NoAnswer('the producer was closed')
      try {
        return await this.#process.request(kind, (end) => apply(end, retries), { line: this.#line })
      } catch (error) {
        const isBusy = error instanceof BrokerRefusal && error.type === 'CONCURRENT_TRANSACTIONS'
        if (isBusy && ++concurrent < CONCURRENT_RETRIES_MAX) await this.#process.clock.delay(RETRY_MS)
        else if (!(error instanceof NoAnswer) || !retries || attempt++ === ATTEMPTS_MAX) throw error
      }
    }
  }
}
