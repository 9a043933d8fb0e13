import type { FleetNodeName, OfMachine } from '../../../../schemas/fleet/records.ts'
import type { Kept, Owned, Plan, Stand, Workforce } from '../workers/workforce.ts'
import type { InventoryModel } from './inventory-model.ts'
import { sayingAt, turnsOf } from './shelf.ts'
import type { Item, Said, Shelf } from './shelf.ts'

const INTERVAL_S = 30
const SPREAD_S = 240
/** How far from the sticker a rate may be that a device calls nominal, where nobody says otherwise, percent. */
const NOMINAL_PCT = [20, 130] as const

/**
 * The workers as the inventory in the log has them. The inventory is that of just before the record that is being read, so
 * what is asked is what was known there.
 *
 * Who holds a worker that several nodes or machines send for is not worked out: of such a worker nothing is compared.
 */
export class InventoryWorkforce implements Workforce {
  readonly #model: InventoryModel
  /** By provider and worker, the node and the machine that were heard first. */
  readonly #heard = new Map<string, string>()
  readonly #contested = new Set<string>()

  constructor(model: InventoryModel) {
    this.#model = model
  }

  keptBefore(): readonly Kept[] {
    this.#model.takeChangedWorkers()
    return [...this.#model.shelves()].flatMap(([provider, shelf]) =>
      Array.from(shelf.ofKind('worker'), (item) => keptOf(provider, item)),
    )
  }

  keptFrom(): readonly Kept[] {
    return this.#model.takeChangedWorkers().flatMap(({ provider, worker }) => {
      const item = this.#shelf(provider)?.item('worker', worker)
      return item === undefined ? [] : [keptOf(provider, item)]
    })
  }

  ownerOf(sender: FleetNodeName, machine: OfMachine): Owned | null {
    const { word, worker } = this.#model.whose(sender, machine)
    if (word !== 'one') return null
    const provider = sender.provider_id
    const key = `${provider}/${worker}`
    const who = JSON.stringify([
      sender.location_id,
      sender.node_id,
      machine.serial,
      machine.mac,
      machine.mac_arp,
    ])
    const first = this.#heard.get(key) ?? who
    this.#heard.set(key, first)
    if (first !== who) this.#contested.add(key)
    return { provider, worker, isShadow: false }
  }

  isContested(provider: string, worker: string): boolean {
    return this.#contested.has(`${provider}/${worker}`)
  }

  standAt(provider: string, worker: string, atMs: number): Stand | null {
    const shelf = this.#shelf(provider)
    const item = shelf?.item('worker', worker)
    if (shelf === undefined || item === undefined || !isCommissioned(item, atMs)) return null
    const said = sayingAt(item, atMs)
    const model = shelf.said('model', said?.['model'], atMs)
    const assigned = this.#assigned(shelf, worker, atMs)
    const container = shelf.item('container', assigned?.['container'])
    // A container never changes its location, and a row names both.
    const location =
      container === undefined ? assigned?.['location'] : container.editions[0]?.said?.['location']
    return {
      algorithm: textOf(model, 'algorithm'),
      locationId: typeof location === 'string' ? location : '',
      containerId: container === undefined ? '' : container.id,
    }
  }

  planAt(provider: string, worker: string, atMs: number): Plan {
    const shelf = this.#shelf(provider)
    const said = shelf?.said('worker', worker, atMs) ?? null
    const model = shelf?.said('model', said?.['model'], atMs) ?? null
    const assigned = shelf === undefined ? null : this.#assigned(shelf, worker, atMs)
    const location = shelf?.said('location', assigned?.['location'], atMs) ?? null
    const own = shelf?.said('provider', provider, atMs) ?? null
    const limit = (name: string, otherwise: number): number =>
      [model, location, own].map((of) => limitIn(of, name)).find((one) => one !== null) ?? otherwise
    return {
      profileHs: numberOf(said, 'profile_hashrate_hs'),
      stickerHs: numberOf(model, 'nominal_hashrate_hs'),
      nominalPct: [limit('nominal_min_pct', NOMINAL_PCT[0]), limit('nominal_max_pct', NOMINAL_PCT[1])],
      nameplateW: numberOf(said, 'profile_power_w') ?? numberOf(model, 'nominal_power_w'),
    }
  }

  nodeAt(provider: string, worker: string, atMs: number): string | null {
    const shelf = this.#shelf(provider)
    const assigned = shelf === undefined ? null : this.#assigned(shelf, worker, atMs)
    const [location, node] = [assigned?.['location'], assigned?.['node']]
    return typeof location === 'string' && typeof node === 'string' ? `${provider}/${location}/${node}` : null
  }

  #assigned(shelf: Shelf, worker: string, atMs: number): Said | null {
    for (const item of shelf.marked(`assigned:${worker}`)) {
      const said = sayingAt(item, atMs)
      if (said !== null && said['worker'] === worker) return said
    }
    return null
  }

  #shelf(provider: string): Shelf | undefined {
    return this.#model.shelves().get(provider)
  }
}

/** From its first version on or from the time that it names, until it ends or until the time that it names. */
function isCommissioned(item: Item, atMs: number): boolean {
  const there = turnsOf(item).filter((turn) => sayingAt(item, turn) !== null)
  const [first, last] = [there[0], there.at(-1)]
  if (first === undefined || last === undefined) return false
  const end = turnsOf(item).find((turn) => turn > last) ?? Number.POSITIVE_INFINITY
  const said = sayingAt(item, last)
  const from = Math.max(first, numberOf(said, 'commissioned_at') ?? 0)
  return atMs >= from && atMs < Math.min(end, numberOf(said, 'retired_at') ?? Number.POSITIVE_INFINITY)
}

function keptOf(provider: string, { id, editions }: Item): Kept {
  const intervalS = numberOf(editions.at(-1)?.said ?? null, 'interval_s') ?? INTERVAL_S
  return { provider, worker: id, intervalS, spreadS: spreadOf(id) }
}

/** FNV-1a of 32 bits over the characters of an id. */
function spreadOf(id: string): number {
  let hash = 2_166_136_261
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 16_777_619)
  return (hash >>> 0 || 1) % SPREAD_S
}

function textOf(said: Said | null, name: string): string {
  const value = said?.[name]
  return typeof value === 'string' ? value : ''
}

function numberOf(said: Said | null, name: string): number | null {
  const value = said?.[name]
  return typeof value === 'number' ? value : null
}

function limitIn(said: Said | null, name: string): number | null {
  const limits = said?.['thresholds']
  return typeof limits === 'object' && limits !== null ? numberOf(limits as Said, name) : null
}
