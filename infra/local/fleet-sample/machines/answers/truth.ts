import type { Mode } from '../../../../../pipelines/fleet/telemetry.ts'

/** What is true of a machine, in base units, from which a generator makes answers. Null: the answers do not say it. */
export interface MachineTruth {
  readonly model: ModelTruth
  readonly serial: string | null
  readonly mac: string | null
  readonly ip: string | null
  readonly hostname: string | null
  readonly fwVer: string | null
  readonly uptimeS: number | null
  readonly nowHs: number | null
  readonly meanHs: number | null
  readonly nominalHs: number | null
  readonly powerW: number | null
  readonly mode: Mode | null
  /** In the order of slots; as many as the model has. */
  readonly boards: readonly BoardTruth[]
  readonly fansRpm: readonly number[]
  readonly pools: readonly PoolTruth[]
}

export interface ModelTruth {
  readonly make: string
  readonly model: string
  readonly algorithm: string
  readonly boards: number
  readonly chipsPerBoard: number
  readonly fans: number
}

export interface BoardTruth {
  /** 0 for a board that is lost. */
  readonly chips: number
  readonly serial: string | null
  readonly rateHs: number | null
  readonly nominalHs: number | null
  readonly boardC: number | null
  readonly chipC: number | null
  readonly freqMhz: number | null
  readonly hwErrors: number | null
}

export interface PoolTruth {
  readonly url: string
  readonly user: string
  readonly isAlive: boolean
  readonly accepted: number
  readonly rejected: number
  readonly stale: number
  readonly difficulty: number
  /** Seconds since its last share; null where it has had none. */
  readonly shareAgeS: number | null
}
