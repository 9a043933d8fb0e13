import { placeOf } from './cluster.ts'
import type { MemoryCluster } from './cluster.ts'

/** The acknowledgement that a producer got: this record is in the log, at this place. */
interface Receipt {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly value: Buffer | null
}

/** A record as it was handed to a producer. */
export type Handed = Pick<Receipt, 'topic' | 'partition' | 'value'>

/** All acknowledgements to producers in a run, compared with the logs. A record is identified by the bytes of its value. */
export class Receipts {
  readonly #receipts: Receipt[] = []
  readonly #notStored = new Set<Buffer>()
  readonly #places = new Map<string, { readonly topic: string; readonly partition: number }>()

  /** Records that go to a producer. Each must have bytes of its own, also where it is sent again. */
  handed(records: readonly Handed[]): void {
    for (const { topic, partition } of records) {
      this.#places.set(placeOf(topic, partition), { topic, partition })
    }
  }

  /** The producer returned these offsets, in the order of the records. */
  acknowledged(records: readonly Handed[], offsets: readonly (bigint | undefined)[]): void {
    for (const [index, { topic, partition, value }] of records.entries()) {
      this.#receipts.push({ topic, partition, value, offset: offsets[index] ?? -1n })
    }
  }

  /** The producer reported that these records are in no log and never will be. */
  notStored(records: readonly Handed[]): void {
    for (const { value } of records) if (value !== null) this.#notStored.add(value)
  }

  /** The errors found, in words: records that were acknowledged and are not in the log, or are in it twice. */
  problems(cluster: MemoryCluster): string[] {
    const problems: string[] = []
    for (const { topic, partition, offset, value } of this.#receipts) {
      if (offset < 0n) {
        const isThere = cluster
          .log(topic, partition)
          .committed()
          .some((record) => record.value === value)
        if (!isThere) problems.push(`lost: a record acknowledged for ${topic}/${partition} is not there`)
        continue
      }
      const found = cluster.log(topic, partition).at(offset)
      // A record that compaction removed is superseded; a task's own records are judged for that elsewhere.
      const isThere = found?.record.value === value && ['committed', 'compacted'].includes(found.state)
      if (!isThere) {
        problems.push(
          `lost: a record acknowledged at ${topic}/${partition}:${offset} is ${found === undefined ? 'not there' : `another or ${found.state}`}`,
        )
      }
    }
    for (const [place, { topic, partition }] of this.#places) {
      const seen = new Set<Buffer>()
      for (const { value, offset } of cluster.log(topic, partition).committed()) {
        if (value === null) continue
        if (seen.has(value)) problems.push(`doubled: the record at ${place}:${offset} stands before it too`)
        seen.add(value)
        if (this.#notStored.has(value))
          problems.push(`stored: the record at ${place}:${offset} was said not to be`)
      }
    }
    return problems
  }
}
