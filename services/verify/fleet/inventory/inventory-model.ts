import type { EntityRecord, InventoryOutcome } from '../../../../schemas/fleet/inventory/records.ts'
import type { FleetNodeName, OfMachine } from '../../../../schemas/fleet/records.ts'
import type { Row } from '../../differences.ts'
import { verdictOf } from './decide.ts'
import type { Put, Wish } from './decide.ts'
import { marked, marksOf } from './rules.ts'
import { sayingAt, Shelf } from './shelf.ts'
import type { Edition, Item, Said } from './shelf.ts'
import { macOf, serialOf } from './values.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const KEPT = 80 * HOUR
const COMMANDS_A_DAY = 20_000

/** An outcome as fleet.state must have it, but for the sentence. */
export type ExpectedOutcome = Omit<InventoryOutcome, 'detail' | 'result'> & { readonly providerId: string }

/** A row that must be there, by a name that no other row of its table has. */
export interface NamedRow {
  readonly place: string
  readonly row: Row
}

/** The inventories of all providers of a partition, and what became of commands: the second implementation. */
export class InventoryModel {
  readonly #shelves = new Map<string, Shelf>()
  readonly #outcomes = new Map<string, ExpectedOutcome>()
  /** Workers of which something was said since this was asked for. */
  #changedWorkers: { readonly provider: string; readonly worker: string }[] = []
  /** How many of them count for a provider. */
  readonly #counted = new Map<string, number>()
  #hour = 0
  #minute = 0

  /** What log time alone ends. */
  pass(now: number): void {
    const [hour, minute] = [Math.floor(now / HOUR), Math.floor(now / 60_000)]
    if (minute > this.#minute) {
      this.#minute = minute
      for (const [key, { until, providerId, is_counted }] of this.#outcomes) {
        if (Math.floor(until / 60_000) >= minute) continue
        this.#outcomes.delete(key)
        if (is_counted) this.#counted.set(providerId, this.#count(providerId) - 1)
      }
    }
    if (hour <= this.#hour) return
    this.#hour = hour
    for (const shelf of this.#shelves.values())
      for (const item of Array.from(shelf.all()))
        if (isForgotten(item, (hour - 1) * HOUR)) shelf.remove(item.kind, item.id)
  }

  /** A command, with the rows that it must have given. */
  command(wish: Wish, now: number, offset: number): { versions: NamedRow[]; commands: NamedRow[] } {
    const { command } = wish
    const { provider_id: providerId, command_id } = command
    const key = `!cmd/${providerId}/${command_id}`
    if (this.#outcomes.has(key)) return { versions: [], commands: [] }
    const isFull = this.#count(providerId) >= COMMANDS_A_DAY
    const shelf = this.#shelves.get(providerId) ?? new Shelf()
    const verdict = isFull ? 'too_many_commands' : verdictOf(shelf, wish, { now, offset })
    const code = typeof verdict === 'string' ? verdict : null
    const until = isFull ? now : now + DAY
    const { body_hash } = command
    this.#keep(key, { providerId, body_hash, code, until, is_counted: !isFull })
    const puts = typeof verdict === 'string' ? [] : verdict
    for (const put of puts) this.fact(providerId, put)
    return {
      versions: puts.map((put) => versionRow(providerId, put)),
      commands: [commandRow(wish, code, puts[0], now, offset)],
    }
  }

  /** What a command made, as the table of versions says: where the log no longer has all commands. */
  fact(providerId: string, { kind, id, edition }: Put): void {
    const shelf = this.#shelves.get(providerId) ?? new Shelf()
    this.#shelves.set(providerId, shelf)
    if (kind === 'worker') this.#changedWorkers.push({ provider: providerId, worker: id })
    shelf.put(kind, id, edition, edition.said === null ? [] : marksOf(kind, edition.said))
  }

  /** Everything that the providers have, by provider. */
  shelves(): ReadonlyMap<string, Shelf> {
    return this.#shelves
  }

  /** The workers of which something was said since this was asked for last. */
  takeChangedWorkers(): readonly { readonly provider: string; readonly worker: string }[] {
    const changed = this.#changedWorkers
    this.#changedWorkers = []
    return changed
  }

  /** A command that was set aside, since nothing could decide it. */
  undecided({ provider_id: providerId, command_id, body_hash }: Wish['command'], now: number): void {
    const key = `!cmd/${providerId}/${command_id}`
    if (this.#outcomes.has(key)) return
    const outcome = { providerId, body_hash, code: 'cannot_be_decided', until: now + DAY, is_counted: true }
    this.#keep(key, outcome)
  }

  /** Whose machine it is: the worker; `several`, or `none`. */
  whose(
    node: FleetNodeName,
    machine: OfMachine,
  ): { readonly word: 'one' | 'several' | 'none'; readonly worker: string } {
    const shelf = this.#shelves.get(node.provider_id)
    if (shelf === undefined) return { word: 'none', worker: '' }
    const time = machine.observed_at
    const serial = serialOf(machine.serial)
    const mac = macOf(machine.mac) ?? macOf(machine.mac_arp)
    const address = (machine.address ?? '').trim().toLowerCase()
    const marks =
      serial === undefined && mac === undefined
        ? [marked(`pin:${node.node_id}`, address === '' ? undefined : address)]
        : [marked('serial', serial), marked('mac', mac)]
    const workers = new Set(marks.flatMap((mark) => (mark === undefined ? [] : ownersOf(shelf, mark, time))))
    const [worker] = workers
    if (worker === undefined) return { word: 'none', worker: '' }
    return workers.size > 1 ? { word: 'several', worker: '' } : { word: 'one', worker }
  }

  /** Whether a worker is assigned to another location at a time. */
  isAway(provider: string, worker: string, location: string, time: number): boolean {
    const shelf = this.#shelves.get(provider)
    for (const item of shelf?.marked(`assigned:${worker}`) ?? []) {
      const said = sayingAt(item, time)
      if (said !== null && said['worker'] === worker) return said['location'] !== location
    }
    return false
  }

  /** The outcomes that are kept. */
  outcomes(): ReadonlyMap<string, ExpectedOutcome> {
    return this.#outcomes
  }

  #keep(key: string, outcome: ExpectedOutcome): void {
    this.#outcomes.set(key, outcome)
    const { providerId, is_counted } = outcome
    if (is_counted) this.#counted.set(providerId, this.#count(providerId) + 1)
  }

  #count(providerId: string): number {
    return this.#counted.get(providerId) ?? 0
  }

  /** What the newest version of each entity says, by its key in fleet.state. */
  newest(): ReadonlyMap<string, string> {
    const newest = new Map<string, string>()
    for (const [provider, shelf] of this.#shelves)
      for (const { kind, id, editions } of shelf.all())
        newest.set(`!inv/${provider}/${kind}/${id}`, shownEdition(editions.at(-1)))
    return newest
  }
}

/** The newest version of an entity in fleet.state, as `newest` shows it. */
export function shownNewest({ versions }: EntityRecord): string {
  const last = versions.at(-1)
  if (last === undefined) return ''
  const { version, valid_from, valid_to, known_at, known_offset, by, body } = last
  return JSON.stringify([version, valid_from, valid_to, known_at, known_offset, by, body])
}

function shownEdition(edition: Edition | undefined): string {
  if (edition === undefined) return ''
  const { version, from, to, knownAt, knownOffset, by, said } = edition
  const until = Number.isFinite(to) ? to : null
  return JSON.stringify([version, from, until, knownAt, knownOffset, by, said && JSON.stringify(said)])
}

/** Nothing of it was there in the 80 hours before `time`, nor will be. */
function isForgotten({ editions }: Item, time: number): boolean {
  const since = time - 1 - KEPT
  const last = editions.at(-1)
  const ends = editions.map((one, at) =>
    Math.min(one.to, ...editions.slice(at + 1).flatMap(({ from, to }) => (to === Infinity ? [from] : []))),
  )
  const isOver = (end: number, at: number): boolean =>
    end <= since || (editions[at]?.said === null && (editions[at]?.from ?? 0) <= since)
  return last !== undefined && ends.every(isOver)
}

function ownersOf(shelf: Shelf, mark: string, time: number): string[] {
  const owners: string[] = []
  for (const item of shelf.marked(mark)) {
    const said = item.kind === 'identity' ? sayingAt(item, time) : null
    const worker = said?.['worker']
    if (
      said !== null &&
      marksOf('identity', said).includes(mark) &&
      shelf.said('worker', worker, time) !== null
    )
      owners.push(String(worker))
  }
  return owners
}

function versionRow(provider_id: string, { kind, id, edition }: Put): NamedRow {
  const { version, from, to, knownAt, knownOffset, by, said } = edition
  const row: Row = {
    provider_id,
    entity: kind,
    entity_id: id,
    version,
    valid_from: from,
    valid_to: Number.isFinite(to) ? to : null,
    known_at: knownAt,
    known_offset: BigInt(knownOffset),
    changed_by: by,
    body: said === null ? null : JSON.stringify(said),
  }
  return { place: `${provider_id}/${kind}/${id}/${version}`, row }
}

function commandRow(
  { command, kind, given }: Wish,
  code: string | null,
  put: Put | undefined,
  now: number,
  offset: number,
): NamedRow {
  const { token_hash: _, ...asked } = given
  const result: Said =
    put === undefined ? {} : { id: put.id, version: put.edition.version, valid_from: put.edition.from }
  const row: Row = {
    provider_id: command.provider_id,
    command_id: command.command_id,
    caller: command.caller,
    action: command.action,
    entity: kind,
    entity_id: command.entity_id,
    code: code ?? '',
    asked: JSON.stringify(asked),
    result: JSON.stringify(result),
    decided_at: now,
    record_offset: BigInt(offset),
  }
  return { place: `${command.provider_id}/${command.command_id}/${offset}`, row }
}
