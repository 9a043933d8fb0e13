import { createHash } from 'node:crypto'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { FORWARDED_HEADER } from '../../../schemas/usage.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { Differences } from '../differences.ts'
import type { Logs, Range } from '../logs.ts'
import type { SourceRecord } from '../source.ts'
import type { SentOnEvent } from './model.ts'

/** Whether the events of the record were sent on from another partition. */
export function isCopy({ headers }: SourceRecord): boolean {
  return headers[FORWARDED_HEADER]?.equals(Buffer.from('1')) === true
}

/** An event on a partition, with the receipt by which it is judged: everything in which a copy must agree. */
export function copyKey(partition: number, receiptMs: number, event: UsageEvent): string {
  const hash = createHash('sha256').update(JSON.stringify(event)).digest('base64')
  return `${partition} ${receiptMs} ${hash}`
}

/** How far one partition was read, and the receipt from which its log holds records. */
interface Reached {
  readonly to: bigint
  readonly startMs: number | null
  readonly isWhole: boolean
}

/**
 * Events that were on a wrong partition of usage.metered, and the copies that were sent on: every event must have a copy.
 * The copy is appended before the task that read the original goes on, so it is in the log by now, though perhaps after
 * the horizon of its partition.
 */
export class SentOn {
  readonly #topic: string
  readonly #partitions: number
  readonly #expected = new Map<
    string,
    { readonly place: string; readonly target: number; readonly receivedMs: number }
  >()
  readonly #copies = new Set<string>()
  readonly #reached = new Map<number, Reached>()

  constructor(topic: string, partitions: number) {
    this.#topic = topic
    this.#partitions = partitions
  }

  expect(partition: number, { event, record, index, receiptMs }: SentOnEvent): void {
    const target = partitionOfNode(event.node_id, this.#partitions)
    const place = `partition ${partition} record ${record.offset} event ${index}`
    this.#expected.set(copyKey(target, receiptMs, event), { place, target, receivedMs: record.timestampMs })
  }

  found(copies: readonly string[]): void {
    for (const copy of copies) this.#copies.add(copy)
  }

  /** A partition was read up to `to`; `startMs` is the receipt of the oldest record that is left. */
  read(partition: number, range: Range, to: bigint, startMs: number | null): void {
    this.#reached.set(partition, { to, startMs, isWhole: range.start === 0n })
  }

  /** Compares, after all partitions were read; copies after a horizon are found with `copiesOf`. */
  async compare(
    logs: Pick<Logs, 'range' | 'read'>,
    differences: Differences,
    copiesOf: (partition: number, record: SourceRecord) => readonly string[],
  ): Promise<void> {
    const targets = new Set(this.#missing().map(({ target }) => target))
    for (const partition of targets) {
      const { start, end } = await logs.range('usageMetered', partition)
      const from = this.#reached.get(partition)?.to ?? start
      for await (const record of logs.read('usageMetered', partition, { from, to: end })) {
        this.found(copiesOf(partition, record))
      }
    }
    for (const { place, target } of this.#missing()) {
      differences.compareRow(this.#topic, `${place}, sent on to partition ${target}`, {}, undefined)
    }
  }

  /**
   * Events without a copy; where the target partition no longer holds records of that time, the copy may have been deleted.
   */
  #missing(): { place: string; target: number }[] {
    return [...this.#expected].flatMap(([key, { place, target, receivedMs }]) => {
      if (this.#copies.has(key)) return []
      const { isWhole, startMs } = this.#reached.get(target) ?? { isWhole: true, startMs: null }
      const isDeleted = !isWhole && (startMs === null || receivedMs <= startMs)
      return isDeleted ? [] : [{ place, target }]
    })
  }
}
