import { SCHEMA_ID } from '../../schemas/avro.ts'
import { workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
import type { WorkerTelemetry } from '../../schemas/fleet/records.ts'
import { schemaOf } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { faultOf } from './judge.ts'
import type { PageTask } from './pages/page-task.ts'
import { readValue } from './read-record.ts'
import type { ReadAt } from './read-record.ts'
import { telemetryFault } from './record-faults.ts'

export interface AgainParts extends ReadAt {
  readonly pages: PageTask
}

/**
 * Records that the task has decided, taken in again by pages that are older than it. Letters, outcomes, rows and what is
 * known of nodes were written then. What a page makes of an item depends on none of them.
 */
export class AgainBatch {
  readonly #parts: AgainParts

  constructor(parts: AgainParts) {
    this.#parts = parts
  }

  apply(record: LogRecord): void {
    const { pages } = this.#parts
    pages.again(record, (nowMs) => {
      if (schemaOf(record) !== SCHEMA_ID.workerTelemetry) return
      const read = readValue(record, workerTelemetryCodec, telemetryFault, this.#parts)
      if ('value' in read) this.#telemetry(read.value, nowMs)
    })
  }

  #telemetry(batch: WorkerTelemetry, nowMs: number): void {
    const { pages } = this.#parts
    for (const [index, item] of batch.items.entries()) {
      if (faultOf(item, nowMs) === null) pages.item(batch, index, item)
    }
    pages.complete(batch)
  }
}
