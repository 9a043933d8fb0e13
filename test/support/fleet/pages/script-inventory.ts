import type { Window } from '../../../../pipelines/fleet/live/windows.ts'
import type {
  Claim,
  FleetInventory,
  IdentityRule,
  InventoryContext,
  Named,
  PlacedWorker,
  ProviderInventory,
  ProviderPlace,
  WorkerPlace,
} from '../../../../pipelines/fleet/pages/inventory.ts'
import { NOT_COMMISSIONED } from '../../../../pipelines/fleet/slots/placement.ts'
import { ENGINES } from '../../../../pipelines/fleet/status/engine.ts'
import type { Engine } from '../../../../pipelines/fleet/status/engine.ts'
import type { Thresholds } from '../../../../pipelines/fleet/status/thresholds.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'
import { QUICK, QUICK_RAMP_MS } from '../live/drive.ts'
import { ORDINARY } from '../live/worker.ts'
import { changesAfter, validAt } from './versions.ts'
import type { Version } from './versions.ts'

/** What a test says of a worker. What is not said never changes. */
export interface ScriptWorker extends PlacedWorker {
  readonly place: WorkerPlace
  /** Which serial number is this worker's, by time. */
  readonly serials: readonly Version<string>[]
  readonly nodes: readonly Version<string>[]
  readonly containers: readonly Version<string>[]
  readonly windows?: readonly { readonly offset: number; readonly window: Window }[]
  readonly conflicts?: readonly Version<boolean>[]
}

/** All that a test's inventory ever says: each state of a task sees as much of it as its place in the log lets it. */
export interface Script {
  readonly providerId: string
  readonly locationId: string
  readonly workers: readonly ScriptWorker[]
  readonly thresholds: readonly Version<Thresholds>[]
  readonly engines: readonly Version<Engine>[]
}

/** An inventory that is a script. */
export class ScriptInventory implements FleetInventory, ProviderInventory {
  readonly #script: Script
  readonly #containers: string[]

  constructor(script: Script) {
    this.#script = script
    const names = script.workers.flatMap(({ containers }) => containers.map(({ value }) => value))
    this.#containers = [...new Set(names)]
  }

  of(providerId: string): ProviderInventory | null {
    return providerId === this.#script.providerId ? this : null
  }

  changedBy(offset: number): readonly ProviderPlace[] {
    const { engines, providerId, thresholds, workers } = this.#script
    const isOfAll = [...engines, ...thresholds].some((version) => version.offset === offset)
    return workers
      .filter((worker) => worker.bornOffset <= offset && (isOfAll || isChanged(worker, offset)))
      .map(({ place: { page, index } }) => ({ providerId, page, index }))
  }

  workerAt(place: WorkerPlace, knownTo: number): PlacedWorker | null {
    return this.#worker(place, knownTo) ?? null
  }

  groupAt(place: WorkerPlace, atMs: number, knownTo: number): number {
    const worker = this.#script.workers.findLast(
      (one) => isAt(one, place) && one.bornOffset <= knownTo && one.commissionedAtMs <= atMs,
    )
    if (worker === undefined || worker.retiredAtMs <= atMs) return NOT_COMMISSIONED
    return this.#containers.indexOf(validAt(worker.containers, atMs, knownTo) ?? '')
  }

  groupOf(group: number) {
    const { locationId } = this.#script
    return { algorithm: 'SHA-256', locationId, containerId: this.#containers[group] ?? '' }
  }

  contextAt(place: WorkerPlace, atMs: number, knownTo: number): InventoryContext {
    const { engines, thresholds } = this.#script
    const worker = this.#worker(place, knownTo)
    const { windows = [], conflicts = [], intervalS = 30 } = worker ?? {}
    const all = [engines, thresholds, conflicts]
    return {
      ...ORDINARY,
      engine: validAt(engines, atMs, knownTo) ?? (ENGINES[0] as Engine),
      thresholds: validAt(thresholds, atMs, knownTo) ?? QUICK,
      model: { ...ORDINARY.model, rampMs: QUICK_RAMP_MS },
      intervalMs: intervalS * SECOND_MS,
      windows: windows.filter(({ offset }) => offset <= knownTo).map(({ window }) => window),
      isConflict: validAt(conflicts, atMs, knownTo) ?? false,
      changesAtMs: Math.min(...all.map((versions) => changesAfter(versions, atMs, knownTo))),
      nameplateW: 3_400,
    }
  }

  nodeAt(place: WorkerPlace, atMs: number, knownTo: number): string | null {
    return validAt(this.#worker(place, knownTo)?.nodes ?? [], atMs, knownTo) ?? null
  }

  /** The place of the worker that has a serial number at a time. */
  placeOf(serial: string, atMs: number, knownTo: number): WorkerPlace | null {
    const worker = this.#script.workers.find(
      (one) => one.bornOffset <= knownTo && validAt(one.serials, atMs, knownTo) === serial,
    )
    return worker?.place ?? null
  }

  isHome(locationId: string): boolean {
    return locationId === this.#script.locationId
  }

  #worker(place: WorkerPlace, knownTo: number): ScriptWorker | undefined {
    return this.#script.workers.findLast((one) => isAt(one, place) && one.bornOffset <= knownTo)
  }
}

function isAt({ place }: ScriptWorker, { page, index }: WorkerPlace): boolean {
  return place.page === page && place.index === index
}

function isChanged(worker: ScriptWorker, offset: number): boolean {
  const { bornOffset, serials, nodes, containers, windows = [], conflicts = [] } = worker
  const versions = [...serials, ...nodes, ...containers, ...conflicts, ...windows]
  return bornOffset === offset || versions.some((version) => version.offset === offset)
}

const LEASE = { holder: 'u32', heldMs: 'f64' } as const
/** A lease ends so long after its holder was heard. */
const LEASE_MS = 120 * SECOND_MS

/** Serial numbers alone name a worker; the node that comes first holds it while it is heard. */
export class ScriptIdentity implements IdentityRule<typeof LEASE> {
  readonly fields = LEASE
  readonly #inventory: ScriptInventory

  constructor(inventory: ScriptInventory) {
    this.#inventory = inventory
  }

  named({ serial, tMs, offset }: Claim): Named {
    const place = serial === null ? null : this.#inventory.placeOf(serial, tMs, offset - 1)
    return place === null ? { by: 'none' } : { by: 'one', place }
  }

  label(
    claim: Claim,
    { index }: WorkerPlace,
    columns: Parameters<IdentityRule<typeof LEASE>['label']>[2],
    heardMs: (sinceMs: number) => number,
  ) {
    if (!this.#inventory.isHome(claim.locationId)) return 'misplaced' as const
    const node = numberOf(claim.nodeKey)
    const isHeld = columns.holder[index] !== 0 && heardMs(columns.heldMs[index] ?? 0) <= LEASE_MS
    if (isHeld && columns.holder[index] !== node) return 'shadow' as const
    columns.holder[index] = node
    columns.heldMs[index] = claim.nowMs
    return 'holder' as const
  }

  conflicted(): void {}
}

/** A number of a node, never 0. */
function numberOf(nodeKey: string): number {
  let sum = 7
  for (const byte of Buffer.from(nodeKey)) sum = (sum * 31 + byte) % 1_000_003
  return sum + 1
}
