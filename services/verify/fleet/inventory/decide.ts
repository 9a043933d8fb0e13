import { ENTITIES } from '../../../../schemas/fleet/inventory/entities.ts'
import type { EntityFields, EntityKind } from '../../../../schemas/fleet/inventory/fields.ts'
import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { brokenClaim, brokenReference, brokenTime, FIVE_MINUTES, isNeeded, markFrom } from './rules.ts'
import { sayingAt } from './shelf.ts'
import type { Edition, Item, Said, Shelf } from './shelf.ts'

const DAY = 86_400_000
const AHEAD = 3_660 * DAY
const KEPT = 80 * 3_600_000
const EDITIONS = 64

/** An edition that a command makes. */
export interface Put {
  readonly kind: EntityKind
  readonly id: string
  readonly edition: Edition
}

/** What must become of a command: the code with which it is refused, or what it makes, its own first. */
export type Verdict = string | readonly Put[]

/** A command whose form is right, with its kind and what it gives. */
export interface Wish {
  readonly command: InventoryCommand
  readonly kind: EntityKind
  readonly given: Said
}

/** Where it stands in the log. */
export interface When {
  readonly now: number
  readonly offset: number
}

/** The second implementation of what a command comes to. */
export function verdictOf(shelf: Shelf, wish: Wish, when: When): Verdict {
  const { command } = wish
  if (command.restate) return 'restate_not_built'
  if (command.action === 'enrol') return enrolment(shelf, wish, when)
  if (command.action === 'create') return creation(shelf, wish, when)
  return succession(shelf, wish, when)
}

function creation(shelf: Shelf, { command, kind, given }: Wish, when: When): Verdict {
  const { entity_id: id } = command
  if (shelf.item(kind, id) !== undefined) return 'id_taken'
  if (shelf.count(kind) >= ENTITIES[kind].most) return 'too_many_entities'
  const from = command.valid_from ?? markFrom(when.now)
  const broken = brokenSpan(kind, from, command.valid_to, when.now)
  if (broken !== null) return broken
  const said = laidOver({}, given, kind)
  if (said === null) return 'invalid_change'
  const span = [from, command.valid_to ?? Number.POSITIVE_INFINITY] as const
  return checked(shelf, { command, kind, given }, when, { said, before: {}, span, version: 1 })
}

function succession(shelf: Shelf, wish: Wish, when: When): Verdict {
  const { command, kind, given } = wish
  const { entity_id: id } = command
  const kept = keptAt(shelf.item(kind, id), when.now)
  const least = markFrom(when.now)
  const start = standingFrom(kept, command.valid_from ?? least)
  const newest = kept.editions.at(-1)
  if (newest === undefined || start === null) {
    if (kind !== 'provider' || command.action !== 'change') return `unknown_${kind}`
    return command.expected === null ? creation(shelf, wish, when) : 'version_conflict'
  }
  if (command.expected !== null && !command.expected.includes(newest.version)) return 'version_conflict'
  if (kept.editions.length >= EDITIONS) return 'too_many_versions'
  const from = command.valid_from ?? Math.max(least, start)
  const broken = brokenSpan(kind, from, command.valid_to, when.now)
  if (broken !== null) return broken
  const version = newest.version + 1
  if (command.action === 'end') {
    if (isNeeded(shelf, kind, id, from)) return 'in_use'
    return [put(wish, when, { from, to: Number.POSITIVE_INFINITY, said: null, version })]
  }
  const before = sayingAt(kept, from)
  if (before === null) return `unknown_${kind}`
  const isFixed = ([name, field]: readonly [string, EntityFields[string]]): boolean =>
    field.isFixed === true && name in given && given[name] !== before[name]
  if (Object.entries(fieldsOf(kind)).some(isFixed)) return 'fixed_field'
  const said = laidOver(before, given, kind)
  if (said === null) return 'invalid_change'
  const until = kept.editions.findLast((one) => one.from <= from && from < one.to)?.to
  const to = command.valid_to ?? until ?? Number.POSITIVE_INFINITY
  if (to <= from) return 'invalid_change'
  return checked(shelf, wish, when, { said, before, span: [from, to], version })
}

function enrolment(shelf: Shelf, wish: Wish, when: When): Verdict {
  const { token_hash, ...rest } = wish.given
  for (const item of shelf.marked(`token:${String(token_hash)}`)) {
    const [first, ...others] = item.editions
    if (first === undefined || others.length > 0 || when.now >= first.knownAt + DAY) continue
    const given = { ...rest, location: first.said?.['location'] ?? null }
    const command = { ...wish.command, valid_from: null }
    const made = creation(shelf, { command, kind: 'node', given }, when)
    if (typeof made === 'string') return made
    const edition = { from: markFrom(when.now), to: Number.POSITIVE_INFINITY, said: null, version: 2 }
    const used = { ...wish, kind: 'enrolment', command: { ...command, entity_id: item.id } } as const
    return [...made, put(used, when, edition)]
  }
  return 'enrolment_refused'
}

function checked(
  shelf: Shelf,
  wish: Wish,
  when: When,
  {
    said,
    before,
    span,
    version,
  }: {
    readonly said: Said
    readonly before: Said
    readonly span: readonly [number, number]
    readonly version: number
  },
): Verdict {
  const { kind, command } = wish
  const [from, to] = span
  return (
    brokenTime(kind, said, before, when.now) ??
    brokenReference(shelf, kind, command.entity_id, said, from) ??
    brokenClaim(shelf, kind, command.entity_id, said, span) ?? [put(wish, when, { from, to, said, version })]
  )
}

function put(
  { kind, command }: Wish,
  { now, offset }: When,
  edition: Pick<Edition, 'from' | 'to' | 'said' | 'version'>,
): Put {
  const known = { knownAt: now, knownOffset: offset, by: command.caller }
  return { kind, id: command.entity_id, edition: { ...edition, ...known } }
}

/** The fields of a kind with what is given in their places; null where one that is needed has no value. */
function laidOver(before: Said, given: Said, kind: EntityKind): Said | null {
  const said: Record<string, unknown> = {}
  for (const [name, { isRequired }] of Object.entries(fieldsOf(kind))) {
    const value = name in given ? given[name] : before[name]
    if (value !== null && value !== undefined) said[name] = value
    else if (isRequired === true) return null
  }
  return said
}

/** The editions of an entity that are still kept: those that held at any time of the last 80 hours, or will. */
function keptAt(item: Item | undefined, now: number): Pick<Item, 'editions'> {
  const all = item?.editions ?? []
  const since = now - KEPT
  const kept = all.filter(
    (one, at) =>
      one.to > since && !all.slice(at + 1).some(({ from, to }) => from <= since && to === Infinity),
  )
  return { editions: kept.every(({ said, from }) => said === null && from <= since) ? [] : kept }
}

/** From when on an entity is there, of the first time that is not over at `time`; null where none is. */
function standingFrom(kept: Pick<Item, 'editions'>, time: number): number | null {
  const turns = [...new Set(kept.editions.flatMap(({ from, to }) => [from, to]))]
    .filter(Number.isFinite)
    .toSorted((left, right) => left - right)
  const editionAt = (at: number): Edition | undefined =>
    kept.editions.findLast(({ from, to }) => from <= at && at < to)
  for (const [index, turn] of turns.entries()) {
    const here = editionAt(turn)
    if (here === undefined || here.said === null || (turns[index + 1] ?? Infinity) <= time) continue
    let first = turn
    for (let back = index - 1; back >= 0 && editionAt(turns[back] ?? 0) === here; back -= 1)
      first = turns[back] ?? first
    return first
  }
  return null
}

function brokenSpan(kind: EntityKind, from: number, to: number | null, now: number): string | null {
  if (from % FIVE_MINUTES > 0 || (to ?? 0) % FIVE_MINUTES > 0) return 'not_on_edge'
  if (from < now) return 'past'
  if (Math.max(from, to ?? 0) > now + AHEAD) return 'too_far_ahead'
  if (to === null) return null
  return ENTITIES[kind].isDated && to > from ? null : 'invalid_change'
}

const fieldsOf = (kind: EntityKind): EntityFields => ENTITIES[kind].fields
