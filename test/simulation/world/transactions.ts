import type { ProducerIdentity } from '../../../pipelines/kafka/produce/wire.ts'
import type { Partition } from './partition.ts'
import type { Timeline } from './timeline.ts'

/** The broker refuses a request by its protocol; `type` is kafkajs' name of the error. */
export class BrokerRefusal extends Error {
  readonly type: string

  constructor(type: string) {
    super(type)
    this.type = type
  }
}

interface Transaction {
  readonly id: string
  readonly producerId: bigint
  epoch: number
  timeoutMs: number
  state: 'empty' | 'ongoing' | 'ending'
  /** How the last one ended: a repeated EndTxn gets the same answer. */
  ended: 'committed' | 'aborted' | undefined
  startedMs: number
  readonly partitions: Set<Partition>
}

/** How often the broker searches for transactions that are open for too long. */
const ABORT_SCAN_MS = 1_000
/** A marker that finds no leader, or a leader without its replicas, is tried again. */
const MARKER_RETRY_MS = 100

/**
 * The transaction coordinators: epochs that fence, one open transaction per id, markers that are written one after the
 * other when a transaction ends, and the timeout that aborts a transaction that no producer ends. Their state is in a log
 * of its own that every new coordinator reads, so a move changes nothing in it.
 */
export class Transactions {
  readonly #timeline: Timeline
  /** How long after the end of a transaction each marker is written. */
  readonly #markerMs: () => number
  readonly #onMarked: () => void
  readonly #byId = new Map<string, Transaction>()
  readonly #byProducer = new Map<bigint, Transaction>()
  #nextProducerId = 1_000n
  /** False: old epochs are accepted as if they were new. For tests that show what the fence is good for. */
  fences = true

  constructor(timeline: Timeline, markerMs: () => number, onMarked: () => void) {
    this.#timeline = timeline
    this.#markerMs = markerMs
    this.#onMarked = onMarked
    this.#scan()
  }

  /**
   * InitProducerId: the former owner of the id is fenced, and its open transaction is aborted; the client repeats the
   * request until that is over.
   */
  init(id: string, timeoutMs: number): ProducerIdentity {
    let transaction = this.#byId.get(id)
    if (transaction === undefined) {
      transaction = {
        id,
        producerId: this.#nextProducerId++,
        epoch: -1,
        timeoutMs,
        state: 'empty',
        ended: undefined,
        startedMs: 0,
        partitions: new Set(),
      }
      this.#byId.set(id, transaction)
      this.#byProducer.set(transaction.producerId, transaction)
    }
    if (transaction.state === 'ongoing') this.#abort(transaction)
    if (transaction.state === 'ending') throw new BrokerRefusal('CONCURRENT_TRANSACTIONS')
    transaction.epoch++
    transaction.timeoutMs = timeoutMs
    transaction.ended = undefined
    return { producerId: transaction.producerId, epoch: transaction.epoch }
  }

  /** AddPartitionsToTxn: opens a transaction of the producer where none is open. */
  add(producer: ProducerIdentity, partitions: readonly Partition[]): void {
    const transaction = this.#of(producer)
    if (transaction.state === 'ending') throw new BrokerRefusal('CONCURRENT_TRANSACTIONS')
    if (transaction.state === 'empty') {
      transaction.state = 'ongoing'
      transaction.startedMs = this.#timeline.nowMs
      transaction.ended = undefined
    }
    for (const partition of partitions) transaction.partitions.add(partition)
  }

  /**
   * A partition's leader asks this before it takes the first records of a transaction: is it open, and does it include
   * the partition?
   */
  verify(producer: ProducerIdentity, partition: Partition): void {
    const transaction = this.#of(producer)
    if (this.fences && (transaction.state !== 'ongoing' || !transaction.partitions.has(partition))) {
      throw new BrokerRefusal('INVALID_TXN_STATE')
    }
  }

  /**
   * EndTxn with a commit: decided at once, and visible with the markers, partition by partition. `isForgotten`: the
   * broker dies after the decision, and regards the transaction as ended when it comes back, though no marker was
   * written.
   */
  commit(producer: ProducerIdentity, isForgotten = false): void {
    const transaction = this.#of(producer)
    if (transaction.state === 'ongoing' && isForgotten) {
      transaction.state = 'empty'
      transaction.ended = 'committed'
      transaction.partitions.clear()
    } else if (transaction.state === 'ongoing') this.#end(transaction, 'committed')
    else if (transaction.ended !== 'committed') throw new BrokerRefusal('INVALID_TXN_STATE')
    else if (transaction.state === 'ending') throw new BrokerRefusal('CONCURRENT_TRANSACTIONS')
  }

  #of({ producerId, epoch }: ProducerIdentity): Transaction {
    const transaction = this.#byProducer.get(producerId)
    if (transaction === undefined) throw new BrokerRefusal('INVALID_PRODUCER_ID_MAPPING')
    if (this.fences && epoch !== transaction.epoch) throw new BrokerRefusal('INVALID_PRODUCER_EPOCH')
    return transaction
  }

  /** Aborting fences too: the producer that has the transaction open does not know that it is gone. */
  #abort(transaction: Transaction): void {
    transaction.epoch++
    this.#end(transaction, 'aborted')
  }

  #end(transaction: Transaction, end: 'committed' | 'aborted'): void {
    const { producerId, epoch } = transaction
    transaction.state = 'ending'
    transaction.ended = end
    const unmarked = new Set(transaction.partitions)
    transaction.partitions.clear()
    if (unmarked.size === 0) transaction.state = 'empty'
    const mark = (partition: Partition): void => {
      if (!partition.canMark) {
        this.#timeline.after(MARKER_RETRY_MS, () => mark(partition))
        return
      }
      partition.mark(producerId, epoch, end)
      unmarked.delete(partition)
      if (unmarked.size === 0) transaction.state = 'empty'
      this.#onMarked()
    }
    for (const partition of unmarked) this.#timeline.after(this.#markerMs(), () => mark(partition))
  }

  #scan(): void {
    this.#timeline.after(ABORT_SCAN_MS, () => {
      for (const transaction of this.#byId.values()) {
        const openMs = this.#timeline.nowMs - transaction.startedMs
        if (transaction.state === 'ongoing' && openMs > transaction.timeoutMs) this.#abort(transaction)
      }
      this.#scan()
    })
  }
}
