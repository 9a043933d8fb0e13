import type { LogAppend } from '../../../pipelines/log/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Pack, Packer } from './packer.ts'
import type { Fate, Submission } from './submission.ts'
import { MIB } from '../../../schemas/units.ts'

/** Most bytes of one send, over all partitions: it must complete well within the producer's request timeout. */
export const SEND_BYTES_MAX = 8 * MIB

/** The events of one submission that are in one record. */
interface Share {
  readonly submission: Submission
  readonly positions: number[]
}

/** A record of one partition that waits for its send. */
export class WaitingRecord<Event> {
  readonly partition: number
  readonly pack: Pack<Event>
  readonly #key: string
  readonly #shares: Share[] = []

  constructor(partition: number, key: string, pack: Pack<Event>) {
    this.partition = partition
    this.pack = pack
    this.#key = key
  }

  add(event: Event, submission: Submission, position: number): boolean {
    if (!this.pack.add(event)) return false
    const share = this.#shares.at(-1)
    if (share?.submission === submission) share.positions.push(position)
    else this.#shares.push({ submission, positions: [position] })
    return true
  }

  /** Its key is that of its first node, for tools that show it; the partition is given explicitly. */
  toAppend(): LogAppend {
    return { partition: this.partition, key: this.#key, value: this.pack.finish() }
  }

  /** `logTimeMs`: the log's time of the record, where it was acknowledged. */
  settle(fate: Fate, logTimeMs: number | null = null): void {
    for (const { submission, positions } of this.#shares) submission.settle(positions, fate, logTimeMs)
  }
}

/** The events of all requests as records that wait: one growing record for each partition, in the order of their arrival. */
export class WaitingRecords<Event> {
  readonly #packer: Packer<Event>
  readonly #partitions: number
  #waiting: WaitingRecord<Event>[] = []
  /** The last record of each partition, which still grows. */
  readonly #growing: (WaitingRecord<Event> | undefined)[]

  constructor(packer: Packer<Event>, partitions: number) {
    this.#packer = packer
    this.#partitions = partitions
    this.#growing = Array.from({ length: partitions }, () => undefined)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Whether records of a partition wait for their send. */
  hasOf(partition: number): boolean {
    return this.#waiting.some((record) => record.partition === partition)
  }

  /**
   * Adds the events, except those of partitions that take none: these are settled at once. Returns how many were added,
   * and the bytes by which the records have grown.
   */
  add(
    events: readonly Event[],
    submission: Submission,
    takes: (partition: number) => boolean = () => true,
  ): { readonly events: number; readonly sizeBytes: number } {
    const packer = this.#packer
    const refused: number[] = []
    let sizeBytes = 0
    let node = ''
    let partition = 0
    let isTaken = true
    for (const [position, event] of events.entries()) {
      const nodeId = packer.nodeOf(event)
      if (nodeId !== node) {
        node = nodeId
        partition = partitionOfNode(node, this.#partitions)
        isTaken = takes(partition)
      }
      if (!isTaken) {
        refused.push(position)
        continue
      }
      let record = this.#growing[partition]
      const before = record?.pack.sizeBytes ?? 0
      if (record === undefined || !record.add(event, submission, position)) {
        record = this.#begin(partition, node)
        if (!record.add(event, submission, position)) throw new Error('An empty record holds any event.')
        sizeBytes += record.pack.sizeBytes
      } else sizeBytes += record.pack.sizeBytes - before
    }
    if (refused.length > 0) submission.settle(refused, 'notTaken')
    return { events: events.length - refused.length, sizeBytes }
  }

  /** Takes the records of the next send: the oldest of each free partition, so that a batch is one record. */
  takeSend(isFree: (partition: number) => boolean = () => true): WaitingRecord<Event>[] {
    const taken: WaitingRecord<Event>[] = []
    const left: WaitingRecord<Event>[] = []
    const partitions = new Set<number>()
    let sizeBytes = 0
    for (const record of this.#waiting) {
      const fits = taken.length === 0 || sizeBytes + record.pack.sizeBytes <= SEND_BYTES_MAX
      if (partitions.has(record.partition) || !fits || !isFree(record.partition)) {
        left.push(record)
        // Later records of this partition stay behind it.
        partitions.add(record.partition)
        continue
      }
      partitions.add(record.partition)
      taken.push(record)
      sizeBytes += record.pack.sizeBytes
      if (this.#growing[record.partition] === record) this.#growing[record.partition] = undefined
    }
    this.#waiting = left
    return taken
  }

  /** Takes everything that waits for one partition. */
  takeAll(partition: number): WaitingRecord<Event>[] {
    const taken = this.#waiting.filter((record) => record.partition === partition)
    this.#waiting = this.#waiting.filter((record) => record.partition !== partition)
    this.#growing[partition] = undefined
    return taken
  }

  #begin(partition: number, key: string): WaitingRecord<Event> {
    const record = new WaitingRecord(partition, key, this.#packer.begin())
    this.#waiting.push(record)
    this.#growing[partition] = record
    return record
  }
}
