import type { LogRecord } from '../../../pipelines/log/records.ts'

/** A record as a producer sends it. */
export interface Sent {
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
}

/** `marker`: the control record that ends a transaction, which takes an offset and is never delivered. */
interface Entry {
  readonly record: LogRecord
  state: 'open' | 'committed' | 'aborted' | 'marker' | 'compacted'
}

/** What one fetch of a partition brings: raw offsets, and the records that are left once filtered. */
export interface Fetched {
  readonly first: bigint
  readonly last: bigint
  readonly records: readonly LogRecord[]
}

/** The fetch wanted records that were deleted. */
export class OffsetOutOfRange extends Error {}

const NO_HEADERS: LogRecord['headers'] = {}

/** One partition of a topic on the broker: records of a transaction stay invisible until its marker follows them. */
export class PartitionLog {
  readonly partition: number
  start = 0n
  readonly #entries: Entry[] = []
  /** Offsets of the records of each producer's open transaction. */
  readonly #open = new Map<bigint, number[]>()

  constructor(partition: number) {
    this.partition = partition
  }

  get end(): bigint {
    return BigInt(this.#entries.length)
  }

  /** Where reading ends: the first record of an open transaction, or the end. */
  get lastStable(): bigint {
    let stable = this.#entries.length
    for (const [first = stable] of this.#open.values()) stable = Math.min(stable, first)
    return BigInt(stable)
  }

  /** True: the log has records of the producer's open transaction. */
  hasOpen(transaction: bigint): boolean {
    return this.#open.has(transaction)
  }

  /** Appends records; `transaction` is the producer of the open transaction that they belong to. */
  append(sent: readonly Sent[], timestampMs: number, transaction: bigint | null): bigint {
    const base = this.end
    let open: number[] | undefined
    if (transaction !== null) {
      open = this.#open.get(transaction) ?? []
      this.#open.set(transaction, open)
    }
    for (const { key, value, headers } of sent) {
      open?.push(this.#entries.length)
      const record: LogRecord = {
        partition: this.partition,
        offset: this.end,
        timestampMs,
        key: key === null ? null : Buffer.from(key),
        value,
        headers: headers === undefined ? NO_HEADERS : buffers(headers),
      }
      this.#entries.push({ record, state: transaction === null ? 'committed' : 'open' })
    }
    return base
  }

  /** Writes the marker that ends the producer's transaction. */
  mark(transaction: bigint, end: 'committed' | 'aborted', timestampMs: number): void {
    for (const at of this.#open.get(transaction) ?? []) (this.#entries[at] as Entry).state = end
    this.#open.delete(transaction)
    this.append([{ key: null, value: null }], timestampMs, null)
    ;(this.#entries.at(-1) as Entry).state = 'marker'
  }

  /** Up to `recordsMax` raw records from `from` on, below the last stable offset; null where there are none. */
  fetch(from: bigint, recordsMax: number, uncommittedToo = false): Fetched | null {
    if (from < this.start || from > this.end) throw new OffsetOutOfRange(`offset ${from}`)
    const stable = uncommittedToo ? this.end : this.lastStable
    const raw: Entry[] = []
    for (let at = from; at < stable && raw.length < recordsMax; at++) {
      const entry = this.#entries[Number(at)] as Entry
      if (entry.state !== 'compacted') raw.push(entry)
    }
    const first = raw[0]?.record.offset
    const last = raw.at(-1)?.record.offset
    if (first === undefined || last === undefined) return null
    const seen = uncommittedToo ? ['committed', 'open', 'aborted'] : ['committed']
    return {
      first,
      last,
      records: raw.filter(({ state }) => seen.includes(state)).map(({ record }) => record),
    }
  }

  /** Deletes the records before `offset`. */
  deleteBefore(offset: bigint): void {
    if (offset > this.end) throw new OffsetOutOfRange(`offset ${offset}`)
    if (offset > this.start) this.start = offset
  }

  /** Keeps only the newest committed record of each key, and records that are not stable yet. */
  compact(): void {
    const kept = new Set<string>()
    const stable = Number(this.lastStable)
    for (let at = stable - 1; at >= 0; at--) {
      const entry = this.#entries[at] as Entry
      const key = entry.record.key?.toString('latin1')
      // The last record stays, so that the end of the log stays.
      if (at === this.#entries.length - 1 || entry.state === 'open') continue
      if (entry.state === 'committed' && (key === undefined || !kept.has(key))) {
        if (key !== undefined) kept.add(key)
      } else entry.state = 'compacted'
    }
  }

  /** The record at an offset, in whatever state it is. */
  at(offset: bigint): Readonly<Entry> | undefined {
    return this.#entries[Number(offset)]
  }

  /** All committed records that were ever written: deleted ones too, compacted ones not. */
  committed(): LogRecord[] {
    return this.#entries.filter(({ state }) => state === 'committed').map(({ record }) => record)
  }
}

function buffers(headers: Readonly<Record<string, string | Buffer>>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]))
}
