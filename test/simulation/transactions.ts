import { TRANSACTION_TIMEOUT_MS } from '../../pipelines/kafka/produce/transaction-session.ts'
import type { PartitionLog } from './partition-log.ts'
import type { Timeline } from './timeline.ts'

/** The broker refuses a request by its protocol; `type` as kafkajs names it. */
export class BrokerRefusal extends Error {
  readonly type: string

  constructor(type: string) {
    super(type)
    this.type = type
  }
}

/** What a transactional producer was given at its start. */
export interface ProducerEpoch {
  readonly producerId: number
  readonly epoch: number
}

interface Transaction {
  readonly id: string
  readonly producerId: number
  epoch: number
  state: 'empty' | 'ongoing' | 'ending'
  /** How the last one ended: an EndTxn that comes again is answered alike. */
  ended: 'committed' | 'aborted' | undefined
  startedMs: number
  readonly logs: Set<PartitionLog>
  /** Told when the markers of the transaction that ends are all written. */
  waiting: (() => void)[]
}

/** The broker looks for transactions that are open for too long. */
const ABORT_SCAN_MS = 1_000

/**
 * The transaction coordinator: epochs that fence, one open transaction an id, markers that are written one after the
 * other when a transaction ends, and the timeout that aborts what nobody ends.
 */
export class Transactions {
  readonly #timeline: Timeline
  /** How long after the end of a transaction each marker is written. */
  readonly #markerMs: () => number
  readonly #onMarked: (log: PartitionLog) => void
  readonly #byId = new Map<string, Transaction>()
  readonly #byProducer = new Map<number, Transaction>()
  #nextProducerId = 1_000
  /** False: old epochs are taken as if they were new. For tests that show what the fence is good for. */
  fences = true

  constructor(timeline: Timeline, markerMs: () => number, onMarked: (log: PartitionLog) => void) {
    this.#timeline = timeline
    this.#markerMs = markerMs
    this.#onMarked = onMarked
    this.#scan()
  }

  /** InitProducerId: whoever had the id is fenced, what he left open is aborted first. */
  async init(id: string): Promise<ProducerEpoch> {
    let transaction = this.#byId.get(id)
    if (transaction === undefined) {
      transaction = {
        id,
        producerId: this.#nextProducerId++,
        epoch: -1,
        state: 'empty',
        ended: undefined,
        startedMs: 0,
        logs: new Set(),
        waiting: [],
      }
      this.#byId.set(id, transaction)
      this.#byProducer.set(transaction.producerId, transaction)
    }
    if (transaction.state === 'ongoing') this.#abort(transaction)
    await this.#ended(transaction)
    transaction.epoch++
    transaction.ended = undefined
    return { producerId: transaction.producerId, epoch: transaction.epoch }
  }

  /** Before records of the producer are appended to `log`: opens its transaction where none is. */
  add({ producerId, epoch }: ProducerEpoch, log: PartitionLog): void {
    const transaction = this.#of(producerId, epoch)
    if (transaction.state === 'ending') throw new BrokerRefusal('CONCURRENT_TRANSACTIONS')
    if (transaction.state === 'empty') {
      transaction.state = 'ongoing'
      transaction.startedMs = this.#timeline.nowMs
      transaction.ended = undefined
    }
    transaction.logs.add(log)
  }

  /**
   * EndTxn with a commit: decided at once; seen with the markers, partition by partition. `isForgotten`: the broker dies
   * behind the decision, and holds the transaction for ended when it comes back, though no marker was written.
   */
  commit({ producerId, epoch }: ProducerEpoch, isForgotten = false): void {
    const transaction = this.#of(producerId, epoch)
    if (transaction.state === 'ongoing' && isForgotten) {
      transaction.state = 'empty'
      transaction.ended = 'committed'
      transaction.logs.clear()
    } else if (transaction.state === 'ongoing') this.#end(transaction, 'committed')
    else if (transaction.ended !== 'committed') throw new BrokerRefusal('INVALID_TXN_STATE')
  }

  #of(producerId: number, epoch: number): Transaction {
    const transaction = this.#byProducer.get(producerId)
    if (transaction === undefined) throw new BrokerRefusal('INVALID_PRODUCER_ID_MAPPING')
    if (this.fences && epoch !== transaction.epoch) throw new BrokerRefusal('INVALID_PRODUCER_EPOCH')
    return transaction
  }

  async #ended(transaction: Transaction): Promise<void> {
    while (transaction.state === 'ending') {
      const { promise, resolve } = Promise.withResolvers<void>()
      transaction.waiting.push(resolve)
      await promise
    }
  }

  /** Aborting fences too: whoever has the transaction open does not know that it is gone. */
  #abort(transaction: Transaction): void {
    transaction.epoch++
    this.#end(transaction, 'aborted')
  }

  #end(transaction: Transaction, end: 'committed' | 'aborted'): void {
    transaction.state = 'ending'
    transaction.ended = end
    const unmarked = new Set(transaction.logs)
    transaction.logs.clear()
    for (const log of unmarked) {
      this.#timeline.after(this.#markerMs(), () => {
        log.mark(transaction.producerId, end, this.#timeline.nowMs)
        unmarked.delete(log)
        if (unmarked.size === 0) {
          transaction.state = 'empty'
          for (const resolve of transaction.waiting.splice(0)) resolve()
        }
        this.#onMarked(log)
      })
    }
  }

  #scan(): void {
    this.#timeline.after(ABORT_SCAN_MS, () => {
      for (const transaction of this.#byId.values()) {
        const openMs = this.#timeline.nowMs - transaction.startedMs
        if (transaction.state === 'ongoing' && openMs > TRANSACTION_TIMEOUT_MS) this.#abort(transaction)
      }
      this.#scan()
    })
  }
}
