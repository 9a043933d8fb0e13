import type { WorkerContext } from '../status/context.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import type { Columns, Fields } from './layout.ts'

/**
 * What the pages ask of the inventory: which workers there are, where they stand, and what holds for them at a time.
 *
 * Every answer is one of versions: it depends on its arguments alone, for as long as anything may ask for it. `knownTo`
 * is a place in fleet.inbox: versions that came with records at or below that offset are known, later ones are not, also
 * where the inventory has them already. For a page may be older than the task: it is brought up to it by its records in
 * turn, and must decide by what was known at each of them. What a page asks with the `knownTo` of a record is the same
 * before a crash and after it.
 *
 *     record at offset o ──▶ timers due until its time: knownTo = o − 1
 *                        ├─▶ its items: knownTo = o − 1, so that none knows what another of them has changed
 *                        └─▶ the versions that it made, by command or by items: knownTo = o
 *
 * An inventory keeps a version for 80 h of log time after its end, as samples may be that late, and the pages ask for
 * nothing older.
 */
export interface FleetInventory {
  /** The workers of a provider; null for one that has never had any, whose machines are all `discovered`. */
  of(providerId: string): ProviderInventory | null
  /**
   * The workers for which a version came to be known with the record at exactly this offset: new ones, changed ones, those
   * with a window, a repair, thresholds or an engine that changed, those that came into a conflict or out of one. Each
   * once. The pages take them up, or look anew when something of them is due. Empty for most records.
   */
  changedBy(offset: number): readonly ProviderPlace[]
}

/** Where a worker stands: a page of its provider, counted from 0, and its index in it, 0 to 255. */
export interface WorkerPlace {
  readonly page: number
  readonly index: number
}

/** A place of a named provider. */
export interface ProviderPlace extends WorkerPlace {
  readonly providerId: string
}

/** The workers of one provider. Places are dense: a new worker gets the lowest place that is free. */
export interface ProviderInventory {
  /** The worker that holds a place, null where none does. A place is held from `bornOffset` until `freedAtMs`. */
  workerAt(place: WorkerPlace, knownTo: number): PlacedWorker | null
  /**
   * The number, from 0 to below 2^21, of the group (algorithm, location, container) of the worker at a place at a time;
   * `NOT_COMMISSIONED` where it is not commissioned then. Changes on edges of 5 minutes only, and a version never changes
   * it for a time before the log time of its record. Two groups of one provider never share a number.
   */
  groupAt(place: WorkerPlace, atMs: number, knownTo: number): number
  /** What a number of `groupAt` stands for. */
  groupOf(group: number): WorkerGroup
  /**
   * What may decide about a worker at a time. Where nothing has changed it may be the same object again, and had better be:
   * it is asked for with every sample.
   */
  contextAt(place: WorkerPlace, atMs: number, knownTo: number): InventoryContext
  /** The node that is to poll the worker at a time, as `fleetNodeKey` writes it; null where none is assigned. */
  nodeAt(place: WorkerPlace, atMs: number, knownTo: number): string | null
}

/** A worker at its place. */
export interface PlacedWorker {
  readonly workerId: string
  /** The record with which it got its place: from there on the place is its own, and its page begins it anew. */
  readonly bornOffset: number
  /** Log time of its commissioning, on an edge of 5 minutes at or after that record; Infinity while none is set. */
  readonly commissionedAtMs: number
  /** From when on it is in no count, on an edge of 5 minutes; Infinity while none is set. */
  readonly retiredAtMs: number
  /**
   * Log time from which on the place may be another's: at least `FREED_AFTER_MS` after `retiredAtMs`. Until then late
   * samples of before fill its holes.
   */
  readonly freedAtMs: number
  /** How often it is polled, 10 to 300 s. */
  readonly intervalS: number
  /** A hash of the worker's id, 0 to 239: its rows of 5 minutes leave so much later, so that not all leave at once. */
  readonly spreadS: number
}

/** What workers of one page are summed by. An empty text where it is not known. */
export interface WorkerGroup {
  readonly algorithm: string
  readonly locationId: string
  readonly containerId: string
}

/** All of a worker's context but what is heard of its node, which the pages know themselves. */
export type InventoryContext = Omit<WorkerContext, 'node'> & {
  /** The watts of its sticker or contract, by which joules are estimated where none were reported; null: not known. */
  readonly nameplateW: number | null
}

/**
 * What a sample or poll result is to the fleet.
 *
 *   holder      of a worker, by the node that holds its lease: it counts in both planes
 *   shadow      of a worker that another node holds: it fills what the holder leaves empty
 *   conflict    two machines claim to be one worker: it counts for nobody
 *   misplaced   of a worker, seen by a node of another location than its own: it counts there as the holder's
 *   discovered  of a machine that the inventory does not know
 */
export const LABELS = ['holder', 'shadow', 'conflict', 'misplaced', 'discovered'] as const
export type Label = (typeof LABELS)[number]

/** Who sends an item, and what it says of its machine. */
export interface Claim {
  readonly providerId: string
  readonly locationId: string
  /** As `fleetNodeKey` writes it. */
  readonly nodeKey: string
  /** As sent, not normalised; null where it was not reported. */
  readonly serial: string | null
  readonly mac: string | null
  readonly macArp: string | null
  readonly address: string | null
  /** Observation time. */
  readonly tMs: number
  /** Log time and offset of its record. */
  readonly nowMs: number
  readonly offset: number
}

/** Which worker an item names. `several`: its serial number and its MAC are those of different workers. */
export type Named =
  | { readonly by: 'one'; readonly place: WorkerPlace }
  | { readonly by: 'several'; readonly places: readonly WorkerPlace[] }
  | { readonly by: 'none' }

/**
 * The rule of identity and lease. What it remembers of a worker between two items (who holds the lease and since when,
 * how often a new number was seen) stands in columns of that worker's page: they hold `fields`, begin as zeros with the
 * worker, and are written and restored with the page. Besides them it reads versions by offset and nothing else: a memory
 * of its own would be that of the task's position where a page is older, and the page would become another one.
 *
 * What concerns several workers (a conflict begins or ends, an identity changes) becomes versions with the offset of the
 * claim's record; `changedBy` of that offset names the workers. Where the claim's record is below the task's position it
 * is applied again to pages that were restored from before it, and its versions are there already: none is made twice.
 */
export interface IdentityRule<Of extends Fields> {
  readonly fields: Of
  /** Which worker an item is of, by the versions valid at its time of those that were known before its record. */
  named(claim: Claim): Named
  /**
   * What an item is to the worker that it names, whose columns it changes. `heardMs` tells for how many milliseconds since
   * a log time we listened, whoever was heard: a lease ends in that time.
   */
  label(
    claim: Claim,
    place: WorkerPlace,
    columns: Columns<Of>,
    heardMs: (sinceMs: number) => number,
  ): Exclude<Label, 'discovered'>
  /** Takes in an item that names several workers; nothing is kept of it in their columns. */
  conflicted(claim: Claim, places: readonly WorkerPlace[]): void
}

/** How long after a worker's end its place stays its own: samples may be 80 h late, and rows leave minutes later. */
export const FREED_AFTER_MS = 81 * HOUR_MS
