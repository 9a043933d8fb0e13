import type { Body } from '../../../schemas/fleet/inventory/fields.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import type { Window, WindowKind, WindowTarget } from '../live/windows.ts'
import type { InventoryContext } from '../pages/inventory.ts'
import type { Repair } from '../status/context.ts'
import { ENGINES, engineOf } from '../status/engine.ts'
import { numberIn, textIn, thresholdsIn } from './body.ts'
import type { Book } from './book.ts'
import type { Entity } from './entity.ts'
import { ofWorker, overPlace } from './index-keys.ts'
import { thresholdsOf } from './thresholds.ts'
import { KNOWN_ALL, nextEdgeMs, piecesOf, versionAt } from './versions.ts'
import type { Piece } from './versions.ts'

/** How long a model takes from a start until it can be judged, where its record does not say. */
export const RAMP_MIN_DEFAULT = 15
/** How often a worker is polled, where its record does not say. */
export const INTERVAL_S_DEFAULT = 30
/** Windows and repairs that ended so long ago are left out: no ramp is longer. */
const OVER_MS = 4 * HOUR_MS

const UNDER_REPAIR: ReadonlySet<string> = new Set(['diagnosing', 'waiting_parts', 'rma'])

/** What is asked for, and by what is known. */
interface At {
  readonly atMs: number
  readonly knownTo: number
}

/** All that may decide about a worker at a time, but what is heard of its node: `InventoryContext`. */
export function contextOf(book: Book, workerId: string, at: At): InventoryContext {
  const seen = new Seen(book, at)
  const worker = seen.body('worker', workerId)
  const model = seen.body('model', textIn(worker, 'model'))
  const assignment = seen.assignment(workerId)
  const location = seen.body('location', textIn(assignment, 'location'))
  const provider = seen.body('provider', book.provider)
  const modelPowerW = numberIn(model, 'nominal_power_w')
  const profilePowerW = numberIn(worker, 'profile_power_w')
  return {
    engine: engineOf(Math.max(...ENGINES.map(({ version }) => version))),
    thresholds: thresholdsOf([provider, location, model].map(thresholdsIn)),
    model: {
      rampMs: (numberIn(model, 'ramp_min') ?? RAMP_MIN_DEFAULT) * MINUTE_MS,
      isDevice5mTrusted: model['device_5m_trusted'] === true,
      shareMultiplier: numberIn(model, 'share_multiplier'),
      chipLimitC: numberIn(model, 'chip_limit_c'),
    },
    intent: {
      profileRateHs: numberIn(worker, 'profile_hashrate_hs'),
      profilePowerW,
      modelRateHs: numberIn(model, 'nominal_hashrate_hs'),
      modelPowerW,
    },
    powerCapW: numberIn(worker, 'power_cap_w'),
    intervalMs: (numberIn(worker, 'interval_s') ?? INTERVAL_S_DEFAULT) * SECOND_MS,
    windows: seen.windows(assignment, workerId),
    repairs: seen.repairs(workerId),
    isConflict: seen.isConflict(workerId),
    changesAtMs: seen.changesAtMs,
    versions: seen.versions,
    nameplateW: profilePowerW ?? modelPowerW,
  }
}

/** Looks versions up, and notes which they were and when one of them is over. */
class Seen {
  readonly versions: Record<string, number> = {}
  changesAtMs = KNOWN_ALL
  readonly #book: Book
  readonly #at: At

  constructor(book: Book, at: At) {
    this.#book = book
    this.#at = at
  }

  body(kind: Entity['kind'], id: string | null): Body {
    const entity = id === null ? undefined : this.#book.entity(kind, id)
    return entity === undefined ? {} : (this.#version(entity) ?? {})
  }

  assignment(workerId: string): Body {
    let found: Body = {}
    for (const entity of this.#book.keyed(ofWorker(workerId)))
      if (entity.kind === 'assignment') found = this.#version(entity) ?? found
    return found
  }

  isConflict(workerId: string): boolean {
    const entity = this.#book.entity('conflict', workerId)
    return entity !== undefined && this.#version(entity) !== null
  }

  /** The windows over the worker, its customer, its location, its container and those that this is in. */
  windows(assignment: Body, workerId: string): Window[] {
    const customer = textIn(assignment, 'customer')
    const location = textIn(assignment, 'location')
    const keys = [overPlace('workers', workerId)]
    if (customer !== null) keys.push(overPlace('customer', customer))
    if (location !== null) keys.push(overPlace('location', location))
    for (const container of this.#containers(textIn(assignment, 'container')))
      keys.push(overPlace('container', container))
    const entities = new Set<Entity>()
    for (const key of keys) for (const entity of this.#book.keyed(key)) entities.add(entity)
    return [...entities].flatMap((entity) => {
      const body = this.#version(entity)
      const window = body === null ? null : windowOf(body)
      return window === null || window.endsAtMs < this.#at.atMs - OVER_MS ? [] : [window]
    })
  }

  /** The times in which tickets say that people work on the machine, coming ones too. */
  repairs(workerId: string): Repair[] {
    const repairs: Repair[] = []
    for (const entity of this.#book.keyed(ofWorker(workerId))) {
      if (entity.kind !== 'ticket') continue
      this.#version(entity)
      for (const piece of piecesOf(entity.versions, this.#at.knownTo)) {
        const repair = repairOf(piece)
        if (repair !== null && repair.toMs > this.#at.atMs - OVER_MS) repairs.push(repair)
      }
    }
    return repairs
  }

  /** A container and those that it is in. Plans may put each of two into the other: then both, once. */
  #containers(inner: string | null): ReadonlySet<string> {
    const containers = new Set(inner === null ? [] : [inner])
    for (const container of containers) {
      const parent = textIn(this.body('container', container), 'parent')
      if (parent !== null) containers.add(parent)
    }
    return containers
  }

  #version({ kind, id, versions }: Entity): Body | null {
    const { atMs, knownTo } = this.#at
    this.changesAtMs = Math.min(this.changesAtMs, nextEdgeMs(versions, atMs, knownTo))
    const version = versionAt(versions, atMs, knownTo)
    if (version === null) return null
    this.versions[`${kind} ${id}`] = version.version
    return version.body
  }
}

function windowOf(body: Body): Window {
  return {
    kind: (textIn(body, 'kind') ?? 'grid') as WindowKind,
    target: targetOf(body),
    startsAtMs: numberIn(body, 'starts_at') ?? 0,
    endsAtMs: numberIn(body, 'ends_at') ?? KNOWN_ALL,
  }
}

function targetOf(body: Body): WindowTarget {
  const value = numberIn(body, 'target_value') ?? 0
  const target = textIn(body, 'target')
  if (target === 'watts') return { watts: value }
  return target === 'pct' ? { pct: value } : 'off'
}

function repairOf({ fromMs, toMs, version }: Piece): Repair | null {
  const state = textIn(version.body ?? {}, 'state')
  return state !== null && UNDER_REPAIR.has(state) ? { state: state as Repair['state'], fromMs, toMs } : null
}
