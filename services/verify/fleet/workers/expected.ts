import type { WorkerTelemetry } from '../../../../schemas/fleet/records.ts'
import type { Row } from '../../differences.ts'
import { minuteName, WorkersModel } from './workers-model.ts'
import type { Followed } from './workers-model.ts'
import type { Workforce } from './workforce.ts'

/** So much of the log's end is compared … */
const COMPARED_MS = 3_600_000
/** … and so much before it is read first, so that everything is known that reaches into it. */
const WARM_UP_MS = 3_600_000
/** No slot waits longer until it settles. */
const SETTLES_S = 600
/** A page keeps no more sums of minutes: beyond that they leave before the full minute. */
const WAITING = 1_024

/** What rows must be there, and of which nothing is said. */
export interface Expected {
  readonly cells: ReadonlyMap<string, Row>
  /** To be asked after all rows of five minutes: minutes of those of which nothing is said are not compared either. */
  minutes(): ReadonlyMap<string, Row>
  /** Five minutes and minutes are compared in `[fromS, toS)`, seconds since the epoch. */
  readonly fromS: number
  readonly toS: number
  /** Whether a row of five minutes that was found is one of those that are compared. */
  isCompared(provider: string, worker: string, cell: number, lateRows: number): boolean
  /** The same of a row of a minute. */
  isMinuteCompared(minute: number): boolean
}

/** Works out the rows of workers from the last two hours of a partition's records. */
export class ExpectedRows {
  readonly #workforce: Workforce
  readonly #endMs: number
  readonly #model: WorkersModel
  /** Log time of the first record that was read, and whether it is the first of all. */
  #begin: { readonly atMs: number; readonly isWhole: boolean } | null = null

  /** `endMs`: log time up to which the task has come. */
  constructor(workforce: Workforce, endMs: number) {
    this.#workforce = workforce
    this.#endMs = endMs
    this.#model = new WorkersModel(workforce)
  }

  /**
   * A record of the log, in order, before the inventory takes it in; `batch` where it is one that can be read. One that is set
   * aside is not passed. `ended` follows.
   */
  record(nowMs: number, offset: bigint, batch: WorkerTelemetry | null): void {
    if (nowMs < this.#endMs - COMPARED_MS - WARM_UP_MS) return
    this.#model.pass(nowMs, offset)
    if (this.#begin === null) {
      this.#begin = { atMs: nowMs, isWhole: offset === 0n }
      for (const kept of this.#workforce.keptBefore(offset)) this.#model.follow(kept)
    }
    if (batch !== null) this.#model.batch(batch)
  }

  /** The inventory has taken the record in. */
  ended(): void {
    if (this.#begin !== null) this.#model.end()
  }

  finish(): Expected {
    const { atMs, isWhole } = this.#begin ?? { atMs: this.#endMs, isWhole: false }
    const sureMs = isWhole ? 0 : atMs + WARM_UP_MS
    const fromS = Math.ceil(Math.max(sureMs, this.#endMs - COMPARED_MS) / 300_000) * 300
    const lastS = Math.floor(this.#endMs / 60_000) * 60
    const toS = lastS - SETTLES_S
    const workers = this.#model.workers
    const unsure = new Set<number>()
    const isDue = ({ time, spreadS }: Followed, cell: number): boolean =>
      cell + 300 + time.delayMs / 1_000 + spreadS <= lastS
    const isCompared: Expected['isCompared'] = (provider, worker, cell, lateRows) => {
      const followed = workers.get(`${provider}/${worker}`)
      if (cell < fromS || cell >= lastS) return false
      if (followed === undefined) return true
      // A worker whose older holes are not known may have given up one of these.
      const isSure =
        !this.#workforce.isContested(provider, worker) &&
        (isWhole || (lateRows === 0 && (followed.cells.left.get(cell)?.lateRows ?? 0) === 0))
      if (!isSure) unsure.add(cell)
      return isSure && isDue(followed, cell)
    }
    const cells = new Map<string, Row>()
    for (const followed of workers.values()) {
      const { provider, worker } = followed
      for (const [cell, { rows, lateRows, sums }] of followed.cells.left) {
        const stand = this.#workforce.standAt(provider, worker, cell * 1_000)
        if (stand === null || !isCompared(provider, worker, cell, lateRows)) continue
        const name = cellName({ ...stand, provider, worker, cell })
        cells.set(name, { on_time_rows: rows, ...sums.row() })
      }
    }
    const isMinuteCompared = (minute: number): boolean =>
      minute >= fromS &&
      minute + 60 <= toS &&
      this.#model.waiting < WAITING &&
      !unsure.has(Math.floor(minute / 300) * 300)
    const minutes = (): ReadonlyMap<string, Row> =>
      new Map(
        [...this.#model.minutes.values()]
          .filter(({ key }) => isMinuteCompared(key.minute))
          .map(({ key, sums }) => [minuteName(key), sums.row()]),
      )
    return { cells, minutes, fromS, toS, isCompared, isMinuteCompared }
  }
}

/** A row of fleet_5m by name. */
export function cellName(of: {
  readonly provider: string
  readonly worker: string
  readonly algorithm: string
  readonly locationId: string
  readonly containerId: string
  readonly cell: number
}): string {
  return `${of.provider}/${of.worker} ${of.algorithm}/${of.locationId}/${of.containerId} ${of.cell}`
}
