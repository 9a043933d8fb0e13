import { partitionOfNode } from '../../../../schemas/ids.ts'
import { MINUTE_WINDOW_MS, WATERMARK_DELAY_MS, windowStart } from '../../../../schemas/usage.ts'
import { allowedOf } from '../history/history.ts'
import type { History, Sent } from '../history/history.ts'
import { MODELS_VERSION_MAX, measuresOf } from '../measures.ts'
import type { Measures } from '../measures.ts'
import type { Problems } from '../problems.ts'
import { differingFields, identityOf } from '../work.ts'
import type { Work } from '../work.ts'

/** A row of usage_events, as far as the history determines its content. */
export interface RawRow {
  readonly partition: number
  readonly nodeId: string
  readonly id: string
  readonly work: Work
  /** LogAppendTime of its record. */
  readonly receivedAtMs: number
  readonly late: boolean
  readonly modelsVersion: number
  readonly gpuMsEstimated: number
  readonly energyMwhEstimated: number
  readonly energyMwhCompatible: number
}

/**
 * An event that was counted: its first row. Unexpected rows are included, since everything after the rows counts them
 * too.
 */
export interface Counted {
  readonly nodeId: string
  readonly work: Work
  readonly receivedAtMs: number
  readonly late: boolean
  readonly modelsVersion: number
  decided: boolean
}

/** How far a clock may go back between two records of a log. */
const CLOCK_SLACK_MS = 1_000

/** Compares usage_events with the history, row by row in any order, and keeps what was counted. */
export class RawRows {
  readonly counted = new Map<string, Counted>()
  rows = 0
  readonly #history: History
  readonly #partitions: number
  readonly #problems: Problems

  constructor(history: History, partitions: number, problems: Problems) {
    this.#history = history
    this.#partitions = partitions
    this.#problems = problems
  }

  /** Takes a row; returns what it adds to its windows. */
  add(row: RawRow): Measures {
    this.rows += 1
    const identity = identityOf(row.nodeId, row.id)
    const sent = this.#history.sent.get(identity)
    const measures = this.#compareDerived(identity, row)
    if (sent === undefined) {
      const why = this.#history.isRefused(identity) ? 'refused' : 'never sent'
      this.#problems.add('ghost', `event ${identity} was ${why} and is in usage_events`)
    }
    if (this.counted.has(identity)) {
      this.#problems.add('counted twice', `event ${identity} has another row in usage_events`)
      return measures
    }
    this.counted.set(identity, {
      nodeId: row.nodeId,
      // The object of the history where the content is equal: a million copies need not be kept.
      work: (sent === undefined ? undefined : this.#matched(identity, row.work, sent)) ?? row.work,
      receivedAtMs: row.receivedAtMs,
      late: row.late,
      modelsVersion: row.modelsVersion,
      decided: false,
    })
    return measures
  }

  /** To be called after the last row: adds accepted events that have none. */
  finish(): void {
    for (const [identity, { mustAppear }] of this.#history.sent) {
      if (mustAppear && !this.counted.has(identity)) {
        this.#problems.add('lost', `event ${identity} was accepted and is not in usage_events`)
      }
    }
  }

  #matched(identity: string, found: Work, sent: Sent): Work | undefined {
    const allowed = allowedOf(sent)
    const match = allowed.find((work) => differingFields(work, found).length === 0)
    if (match !== undefined) return match
    for (const field of differingFields(sent.work, found)) {
      this.#problems.compare('row', `usage_events ${identity}: ${field}`, sent.work[field], found[field])
    }
    return undefined
  }

  #compareDerived(identity: string, row: RawRow): Measures {
    const problems = this.#problems
    const what = (column: string): string => `usage_events ${identity}: ${column}`
    const measures = measuresOf(row.work, row.modelsVersion)
    if (row.modelsVersion > MODELS_VERSION_MAX)
      problems.add('row', `${what('models_version')} is ${row.modelsVersion}, which is unknown`)
    problems.compare('row', what('gpu_ms_estimated'), measures.gpuMsEstimated, row.gpuMsEstimated)
    problems.compare('row', what('energy_mwh_estimated'), measures.energyMwhEstimated, row.energyMwhEstimated)
    problems.compare(
      'row',
      what('energy_mwh_compatible'),
      measures.energyMwhCompatible,
      row.energyMwhCompatible,
    )
    problems.compare(
      'row',
      what('src_partition'),
      partitionOfNode(row.nodeId, this.#partitions),
      row.partition,
    )
    this.#compareLate(identity, row)
    return measures
  }

  /** Late: the minute's end is at or before the watermark, which is the newest receipt so far minus five minutes. */
  #compareLate(identity: string, row: RawRow): void {
    const minuteEndMs = windowStart(row.work.occurredAtMs, MINUTE_WINDOW_MS) + MINUTE_WINDOW_MS
    const watermarkMs = row.receivedAtMs - WATERMARK_DELAY_MS
    if (minuteEndMs <= watermarkMs && !row.late) {
      this.#problems.add('row', `usage_events ${identity} came late and is not marked`)
    }
    if (minuteEndMs > watermarkMs + CLOCK_SLACK_MS && row.late) {
      this.#problems.add('row', `usage_events ${identity} came in time and is marked late`)
    }
  }
}
