import type { Clock } from '../../pipelines/clock.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import type { SharedAppend } from '../../pipelines/log/shared-append.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { inboxAuditCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { InboxAudit } from '../../schemas/records.ts'
import { Refusals } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** How often refusals are written: one row for each credential or address in this time. */
export const AUDIT_EVERY_MS = MINUTE_MS

const UUID_BYTES = 16

/** Where servers report refused callers. A report takes no time and never fails: no request waits for the audit. */
export interface AuditSink {
  refused(refusal: Refusal, times?: number): void
}

/** Keeps nothing. */
export const NO_AUDIT: AuditSink = { refused: () => {} }

export interface AuditLogParts {
  /** Producer of account.inbox. */
  readonly inbox: SharedAppend
  readonly partitions: number
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly logger: Logger
}

/** The record of an entry: it has the key of its subject, as the other records of that subject have. */
export function auditAppend(entry: InboxAudit, partitions: number): LogAppend {
  const { subject } = entry
  return {
    partition: partitionOfNode(subject, partitions),
    key: subject,
    value: inboxAuditCodec.encode(entry),
  }
}

/**
 * Writes refusals to account.inbox, once a minute. What the log did not take is sent again a minute later, unchanged and
 * under the same ids, so that a row which occurs twice can be recognised. Refusals in the meantime are added up. A
 * process that crashes loses the refusals of its last minute.
 */
export class AuditLog implements AuditSink {
  readonly #parts: AuditLogParts
  readonly #refusals = new Refusals()
  readonly #stopping = new AbortController()
  /** Earlier entries, of which it is not certain that the log took them. */
  #waiting: readonly LogAppend[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(parts: AuditLogParts) {
    this.#parts = parts
  }

  refused(refusal: Refusal, times = 1): void {
    if (this.#stopping.signal.aborted) this.#drop(1)
    else this.#refusals.add(refusal, times, this.#waiting.length)
  }

  start(): void {
    this.#running = this.#run()
  }

  /**
   * Writes what there is once more. What the log does not take now is counted, reported in the log of the process, and lost.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#waiting = [...this.#waiting, ...this.#collected()]
    await this.#send()
    if (this.#waiting.length > 0) this.#drop(this.#waiting.length)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      await this.#parts.clock.delay(AUDIT_EVERY_MS, signal)
      if (signal.aborted) return
      if (this.#waiting.length === 0) this.#waiting = this.#collected()
      await this.#send()
    }
  }

  #collected(): LogAppend[] {
    const { partitions, random } = this.#parts
    return this.#refusals
      .take()
      .map((entry) => auditAppend({ ...entry, entry_id: random.bytes(UUID_BYTES) }, partitions))
  }

  /** Sends to each partition separately: one that does not take records delays no other. */
  async #send(): Promise<void> {
    const { inbox, metrics, logger } = this.#parts
    const byPartition = Map.groupBy(this.#waiting, ({ partition }) => partition)
    const left = await Promise.all(
      Array.from(byPartition.values(), async (records) => {
        try {
          if (!inbox.hasRoom(records.length)) throw new Error('Too many records wait for account.inbox.')
          await inbox.append(records)
          metrics.count('hivemeter_audit_records_total', { outcome: 'written' }, records.length)
          return []
        } catch (error) {
          metrics.count('hivemeter_audit_records_total', { outcome: 'late' }, records.length)
          logger.warn({ err: error }, `${records.length} rows of the audit were not taken by the log`)
          return records
        }
      }),
    )
    this.#waiting = left.flat()
  }

  #drop(records: number): void {
    const { metrics, logger } = this.#parts
    metrics.count('hivemeter_audit_records_total', { outcome: 'dropped' }, records)
    logger.warn(
      { records },
      'rows of the audit are lost: the log did not take them before this process ended',
    )
  }
}
