import type { BatchHeader } from './batch-headers.ts'
import type { Problems } from '../problems.ts'

/** Data of a transaction that has not ended. */
interface OpenBatch {
  readonly offset: bigint
  readonly records: number
  readonly epoch: number
  readonly content: number
  readonly isStale: boolean
}

interface Writer {
  readonly producerId: bigint
  readonly epoch: number
}

/**
 * Checks the transactional batches of one partition in log order, aborted ones and markers included. A partition has one
 * transactional writer. An owner that was taken over (same producer id, lower epoch; or another producer id) never has
 * anything committed after its successor's first batch. No marker of the successor commits what the old owner has left
 * open, except the marker of its fence: where the broker came back without writing the markers of a transaction, the
 * fence decides it, in every partition alike. No batch is there twice in what a transaction commits: that would be a
 * repeated send that was taken for a new one. Batches of idempotent producers beside it are not checked.
 */
export class ProducerEpochs {
  batches = 0
  /** Batches that the broker left open and a fence decided. */
  decidedByFence = 0
  readonly #name: string
  readonly #problems: Problems
  /** Highest epoch seen of each producer id, markers included. */
  readonly #epochs = new Map<bigint, number>()
  /** The last writer of data, and the writers that were followed by another. */
  #writer: Writer | null = null
  readonly #replaced = new Set<bigint>()
  /** Data of open transactions by producer id. */
  readonly #open = new Map<bigint, OpenBatch[]>()

  /** `name` is the name of the partition in problems. */
  constructor(name: string, problems: Problems) {
    this.#name = name
    this.#problems = problems
  }

  add(batch: BatchHeader): void {
    if (!batch.isTransactional || batch.producerId < 0n) return
    this.batches += 1
    this.#compareEpoch(batch)
    if (batch.marker === null) this.#addData(batch)
    else if (batch.marker !== 'other') this.#endTransaction(batch)
  }

  /** The broker promises this: it refuses an epoch below one that it has seen. */
  #compareEpoch({ producerId, producerEpoch, baseOffset }: BatchHeader): void {
    const before = this.#epochs.get(producerId) ?? producerEpoch
    if (producerEpoch < before) {
      this.#problems.add(
        'epoch',
        `${this.#name} at offset ${baseOffset}: the epoch of producer ${producerId} falls from ${before} to ${producerEpoch}`,
      )
    }
    this.#epochs.set(producerId, Math.max(before, producerEpoch))
  }

  #addData({ producerId, producerEpoch, baseOffset, lastOffset, content }: BatchHeader): void {
    const writer = this.#writer
    if (writer !== null && writer.producerId !== producerId) this.#replaced.add(writer.producerId)
    const isStale =
      this.#replaced.has(producerId) ||
      (writer !== null && writer.producerId === producerId && producerEpoch < writer.epoch)
    if (!isStale) this.#writer = { producerId, epoch: producerEpoch }
    const open = this.#open.get(producerId) ?? []
    const records = Number(lastOffset - baseOffset) + 1
    open.push({ offset: baseOffset, records, epoch: producerEpoch, content, isStale })
    this.#open.set(producerId, open)
  }

  #endTransaction({ producerId, producerEpoch, baseOffset, marker }: BatchHeader): void {
    const open = this.#open.get(producerId) ?? []
    this.#open.delete(producerId)
    if (marker === 'abort') return
    const own = open.filter(({ epoch }) => epoch === producerEpoch)
    this.#compareContents(own)
    // A fence writes one record into each partition of its task.
    const isFence = own.length === 1 && own[0]?.records === 1
    for (const { offset, epoch, isStale } of open) {
      const data = `${this.#name} at offset ${offset}: data of producer ${producerId}, epoch ${epoch}`
      if (isStale) this.#problems.add('epoch', `${data}, is committed behind a newer writer's`)
      else if (epoch < producerEpoch && isFence) this.decidedByFence += 1
      else if (epoch < producerEpoch) {
        this.#problems.add(
          'epoch',
          `${data}, is committed by the marker at ${baseOffset} of epoch ${producerEpoch}: it was left open by an older owner`,
        )
      }
    }
  }

  #compareContents(committed: readonly OpenBatch[]): void {
    const seen = new Map<string, bigint>()
    for (const { offset, records, content } of committed) {
      const name = `${records} ${content}`
      const first = seen.get(name)
      if (first === undefined) seen.set(name, offset)
      else
        this.#problems.add(
          'batch',
          `${this.#name}: the batch at offset ${first} stands again at ${offset}, in the same transaction`,
        )
    }
  }
}
