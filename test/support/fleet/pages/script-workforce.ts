import type { FleetNodeName, OfMachine } from '../../../../schemas/fleet/records.ts'
import type {
  Kept,
  Owned,
  Plan,
  Stand,
  Workforce,
} from '../../../../services/verify/fleet/workers/workforce.ts'
import { fleetNodeKey } from '../../../../schemas/fleet/codecs.ts'
import type { Claim, IdentityRule, Named, WorkerPlace } from '../../../../pipelines/fleet/pages/inventory.ts'
import { DEFAULT_THRESHOLDS } from '../../../../pipelines/fleet/status/thresholds.ts'
import { RATE_HS } from '../live/worker.ts'
import { ScriptInventory } from './script-inventory.ts'
import type { Script, ScriptWorker } from './script-inventory.ts'
import { validAt } from './versions.ts'

const NO_FIELDS = {} as const

/** Serial numbers alone name a worker, and the node that is assigned to it then holds it. */
export class AssignedIdentity implements IdentityRule<typeof NO_FIELDS> {
  readonly fields = NO_FIELDS
  readonly #inventory: ScriptInventory

  constructor(inventory: ScriptInventory) {
    this.#inventory = inventory
  }

  named({ serial, tMs, offset }: Claim): Named {
    const place = serial === null ? null : this.#inventory.placeOf(serial, tMs, offset - 1)
    return place === null ? { by: 'none' } : { by: 'one', place }
  }

  label({ locationId, nodeKey, tMs, offset }: Claim, place: WorkerPlace) {
    if (!this.#inventory.isHome(locationId)) return 'misplaced' as const
    return this.#inventory.nodeAt(place, tMs, offset - 1) === nodeKey
      ? ('holder' as const)
      : ('shadow' as const)
  }

  conflicted(): void {}
}

/** What verify would work out of the inventory that a script is, with the same rule of identity. */
export class ScriptWorkforce implements Workforce {
  readonly #script: Script
  readonly #inventory: ScriptInventory

  constructor(script: Script) {
    this.#script = script
    this.#inventory = new ScriptInventory(script)
  }

  keptBefore(offset: bigint): Kept[] {
    return this.#script.workers
      .filter(({ bornOffset }) => bornOffset < Number(offset))
      .map((one) => this.#kept(one))
  }

  keptFrom(offset: bigint): Kept[] {
    const changed = this.#inventory.changedBy(Number(offset))
    return this.#script.workers
      .filter(({ place }) => changed.some(({ page, index }) => page === place.page && index === place.index))
      .map((one) => this.#kept(one))
  }

  ownerOf(sender: FleetNodeName, { serial, observed_at: tMs }: OfMachine, offset: bigint): Owned | null {
    const knownTo = Number(offset) - 1
    const place = serial === null ? null : this.#inventory.placeOf(serial, tMs, knownTo)
    const worker = place === null ? null : this.#inventory.workerAt(place, knownTo)
    if (place === null || worker === null) return null
    const isHome = this.#inventory.isHome(sender.location_id)
    const isHeld = this.#inventory.nodeAt(place, tMs, knownTo) === fleetNodeKey(sender)
    return { provider: this.#script.providerId, worker: worker.workerId, isShadow: isHome && !isHeld }
  }

  isContested(): boolean {
    return false
  }

  standAt(_: string, worker: string, atMs: number): Stand | null {
    const found = this.#worker(worker)
    const group = this.#inventory.groupAt(found.place, atMs, Number.POSITIVE_INFINITY)
    return group < 0 ? null : this.#inventory.groupOf(group)
  }

  planAt(): Plan {
    const { nominalMinPct, nominalMaxPct } = DEFAULT_THRESHOLDS.plausible
    const nominalPct = [nominalMinPct, nominalMaxPct] as const
    return { profileHs: null, stickerHs: RATE_HS, nominalPct, nameplateW: 3_400 }
  }

  nodeAt(_: string, worker: string, atMs: number, offset: bigint): string | null {
    return validAt(this.#worker(worker).nodes, atMs, Number(offset) - 1) ?? null
  }

  #worker(workerId: string): ScriptWorker {
    const found = this.#script.workers.find((one) => one.workerId === workerId)
    if (found === undefined) throw new Error(`The script has no worker ${workerId}.`)
    return found
  }

  #kept({ workerId, intervalS, spreadS }: ScriptWorker): Kept {
    return { provider: this.#script.providerId, worker: workerId, intervalS, spreadS }
  }
}
