import type { FleetNodeName, OfMachine } from '../../../../schemas/fleet/records.ts'

/** Where a worker stands, and what it works on; the texts of its rows. */
export interface Stand {
  readonly algorithm: string
  readonly locationId: string
  readonly containerId: string
}

/** What a worker is meant to do. Null: nothing says so. */
export interface Plan {
  /** Contracted, or of its profile. */
  readonly profileHs: number | null
  /** Of its model. */
  readonly stickerHs: number | null
  /** How far from the sticker a rate may be that the device calls nominal, percent. */
  readonly nominalPct: readonly [least: number, most: number]
  readonly nameplateW: number | null
}

/** A worker as it is kept. */
export interface Kept {
  readonly provider: string
  readonly worker: string
  /** How often it is polled, seconds. */
  readonly intervalS: number
  /** How much later than others its rows of five minutes leave, seconds. */
  readonly spreadS: number
}

/** Of whom an item is. `isShadow`: another node than the sender holds the worker. */
export interface Owned {
  readonly provider: string
  readonly worker: string
  readonly isShadow: boolean
}

/**
 * What follows from the inventory in the log, worked out by the check itself. It is asked in the order of the log: `offset`
 * is that of the record that is being read, and what that record itself changes is not known yet.
 */
export interface Workforce {
  /** All workers as they are kept just before the record at this offset. */
  keptBefore(offset: bigint): readonly Kept[]
  /** Workers that are new, or kept otherwise, from after the record at this offset on. */
  keptFrom(offset: bigint): readonly Kept[]
  /** Null for a machine that is nobody's, and where two claim to be one worker. */
  ownerOf(sender: FleetNodeName, machine: OfMachine, offset: bigint): Owned | null
  /** Whether it is not worked out who holds the worker: then nothing of it is compared. */
  isContested(provider: string, worker: string): boolean
  /** Null where the worker is not commissioned. */
  standAt(provider: string, worker: string, atMs: number): Stand | null
  planAt(provider: string, worker: string, atMs: number, offset: bigint): Plan
  /** As `provider/location/node`; null where none is to poll it. */
  nodeAt(provider: string, worker: string, atMs: number, offset: bigint): string | null
}
