import type { CellDelta, MinuteSums } from '../slots/contributions.ts'
import type { Decision } from '../status/decisions.ts'
import type { WorkerGroup } from './inventory.ts'

/** A worker, and where it stands. */
export interface WorkerAt {
  readonly providerId: string
  readonly page: number
  readonly index: number
  readonly workerId: string
}

/** Takes what pages come to: rows, and faces. */
export interface PageSink {
  cell(at: WorkerAt, group: WorkerGroup, delta: CellDelta): void
  minute(providerId: string, group: WorkerGroup, sums: MinuteSums): void
  decision(at: WorkerAt, decision: Decision): void
  /** The worker is in no count any more. */
  retired(at: WorkerAt): void
}

/** For input that is taken in again: all of it was written when it was taken in first. */
export const NO_SINK: PageSink = { cell() {}, minute() {}, decision() {}, retired() {} }
