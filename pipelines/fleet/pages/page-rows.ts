import type { FleetFace } from '../../../schemas/fleet/page-records.ts'
import type { BlockLog } from '../../blocks/block-log.ts'
import type { CellDelta, MinuteSums } from '../slots/contributions.ts'
import type { Decision } from '../status/decisions.ts'
import type { WorkerGroup } from './inventory.ts'
import { faceKey } from './keys.ts'
import type { PageSink, WorkerAt } from './sink.ts'
import { writeCell, writeMinute } from './slot-rows.ts'
import { writeStatus } from './status-rows.ts'

/** What the pages come to in one transaction: their rows go to the blocks at once, and faces are kept until its end. */
export class PageRows implements PageSink {
  /** The newest face of each worker that changed, by its key; null for one that is in no count any more. */
  readonly faces = new Map<string, FleetFace | null>()
  readonly #blocks: BlockLog

  constructor(blocks: BlockLog) {
    this.#blocks = blocks
  }

  cell(at: WorkerAt, group: WorkerGroup, delta: CellDelta): void {
    writeCell(this.#blocks, at, group, delta)
  }

  minute(providerId: string, group: WorkerGroup, sums: MinuteSums): void {
    writeMinute(this.#blocks, providerId, group, sums)
  }

  decision(at: WorkerAt, decision: Decision): void {
    // Notices have no topic yet: what is open stands in the page's columns.
    if (decision.type !== 'status') return
    writeStatus(this.#blocks, at, decision)
    this.faces.set(faceKey(at), {
      worker_id: at.workerId,
      status: decision.status,
      reason: decision.reason,
      unknown: decision.isUnknown,
      status_since: decision.statusSinceMs,
      reason_since: decision.reasonSinceMs,
      version: decision.version,
    })
  }

  retired(at: WorkerAt): void {
    this.faces.set(faceKey(at), null)
  }
}
