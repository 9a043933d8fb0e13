import { ENTITIES } from '../../../../schemas/fleet/inventory/entities.ts'
import type { EntityFields, EntityKind } from '../../../../schemas/fleet/inventory/fields.ts'
import { sayingAt, turnsOf } from './shelf.ts'
import type { Item, Said, Shelf } from './shelf.ts'
import { macOf, serialOf } from './values.ts'

/** The rules between entities, said a second time: each gives the code of the first one that is broken. */

export const FIVE_MINUTES = 300_000
const DAY = 86_400_000
const AHEAD = 3_660 * DAY

/** The first mark of 5 minutes that is not before a time. */
export const markFrom = (time: number): number => Math.ceil(time / FIVE_MINUTES) * FIVE_MINUTES

const fieldsOf = (kind: EntityKind): EntityFields => ENTITIES[kind].fields
const text = (said: Said | null, name: string): string | undefined => {
  const value = said?.[name]
  return typeof value === 'string' ? value : undefined
}

/** What only one entity of a kind can have at a time, with the code for the second. */
function claimsOf(kind: EntityKind, said: Said): (readonly [mark: string, code: string])[] {
  if (kind === 'worker') return [[`asset:${text(said, 'asset_code')}`, 'asset_code_taken']]
  if (kind === 'assignment') {
    const slot = text(said, 'slot')
    const assigned = [`assigned:${text(said, 'worker')}`, 'overlap'] as const
    return slot === undefined ? [assigned] : [assigned, [`slot:${slot}`, 'slot_taken']]
  }
  if (kind === 'slot') {
    const label = text(said, 'label')
    const at = label === undefined ? `at:${String(said['row'])},${String(said['col'])}` : `named:${label}`
    return [[`place:${text(said, 'container')}:${at}`, 'slot_exists']]
  }
  const value = kind === 'identity' ? valueMark(said) : undefined
  return value === undefined ? [] : [[value, 'identity_taken']]
}

/** All that an entity is looked up by. */
export function marksOf(kind: EntityKind, said: Said): string[] {
  const marks = claimsOf(kind, said).map(([mark]) => mark)
  if (kind === 'assignment' || kind === 'identity') marks.push(`worker:${text(said, 'worker')}`)
  if (kind === 'enrolment') marks.push(`token:${text(said, 'token_hash')}`)
  return marks
}

/** The mark of a machine's value; nothing for one that identifies none. */
function valueMark(said: Said): string | undefined {
  const value = text(said, 'value') ?? null
  switch (said['kind']) {
    case 'serial':
      return marked('serial', serialOf(value))
    case 'mac':
      return marked('mac', macOf(value))
    case 'pin': {
      const address = (value ?? '').trim().toLowerCase()
      return marked(`pin:${text(said, 'node')}`, address === '' ? undefined : address)
    }
    default:
      return undefined
  }
}

/** `serial:…`, `mac:…`: undefined where there is no value. */
export function marked(word: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${word}:${value}`
}

/** Times that a body gives anew must be to come. */
export function brokenTime(kind: EntityKind, said: Said, before: Said, now: number): string | null {
  const least = kind === 'window' ? now - (now % DAY) : markFrom(now)
  for (const name of ['commissioned_at', 'retired_at', 'starts_at', 'ends_at']) {
    const time = said[name]
    if (typeof time !== 'number' || time === before[name]) continue
    if (time < least) return 'past'
    if (time > now + AHEAD) return 'too_far_ahead'
  }
  return null
}

/** What a body names must be there, at the right place, and in the right form. */
export function brokenReference(
  shelf: Shelf,
  kind: EntityKind,
  id: string,
  said: Said,
  time: number,
): string | null {
  for (const [name, field] of Object.entries(fieldsOf(kind))) {
    if (field.kind !== 'ref' && field.kind !== 'refs') continue
    const named = [said[name] ?? []].flat()
    if (named.some((one) => shelf.said(field.to, one, time) === null)) return `unknown_${field.to}`
  }
  if (kind === 'container' && isContainerAstray(shelf, id, said, time)) return 'elsewhere'
  if (kind === 'assignment' && isAssignmentAstray(shelf, said, time)) return 'elsewhere'
  return isMisshapen(kind, said) ? 'invalid_change' : null
}

function isContainerAstray(shelf: Shelf, id: string, said: Said, time: number): boolean {
  const above: string[] = []
  for (let next = text(said, 'parent'); next !== undefined; ) {
    if (next === id || above.length === 8) return true
    above.push(next)
    const parent = shelf.said('container', next, time)
    if (text(parent, 'location') !== text(said, 'location')) return true
    next = text(parent, 'parent')
  }
  return false
}

function isAssignmentAstray(shelf: Shelf, said: Said, time: number): boolean {
  const [container, slot, node] = ['container', 'slot', 'node'].map((name) => text(said, name))
  const location = text(said, 'location')
  if (slot !== undefined && text(shelf.said('slot', slot, time), 'container') !== container) return true
  if (container !== undefined && text(shelf.said('container', container, time), 'location') !== location)
    return true
  return node !== undefined && text(shelf.said('node', node, time), 'location') !== location
}

function isMisshapen(kind: EntityKind, said: Said): boolean {
  const has = (name: string): boolean => said[name] !== undefined
  if (kind === 'slot') return has('label') ? has('row') && has('col') : !(has('row') && has('col'))
  if (kind === 'identity') return (said['kind'] === 'pin') !== has('node')
  if (kind !== 'window') return false
  const scopes = ['location', 'container', 'customer', 'workers']
  if (scopes.some((scope) => has(scope) !== (scope === said['scope']))) return true
  if (has('target_value') === (said['target'] === 'off')) return true
  if (said['target'] === 'pct' && Number(said['target_value']) > 100) return true
  return has('ends_at') && Number(said['ends_at']) <= Number(said['starts_at'])
}

/** Another entity has at some time of `[from, to)` what only one can have. */
export function brokenClaim(
  shelf: Shelf,
  kind: EntityKind,
  id: string,
  said: Said,
  [from, to]: readonly [number, number],
): string | null {
  for (const [mark, code] of claimsOf(kind, said)) {
    const has = (other: Item, time: number): boolean => {
      const then = sayingAt(other, time)
      return then !== null && claimsOf(kind, then).some(([one]) => one === mark)
    }
    for (const other of shelf.marked(mark)) {
      if (other.kind !== kind || other.id === id) continue
      // Between two of its turns an entity does not change.
      if (
        [from, ...turnsOf(other).filter((turn) => turn > from && turn < to)].some((time) => has(other, time))
      )
        return code
    }
  }
  return null
}

const HOLDERS = ['container', 'slot', 'node', 'worker', 'assignment'] as const

/** Whether something that needs the entity is there at any time from `from` on. */
export function isNeeded(shelf: Shelf, kind: EntityKind, id: string, from: number): boolean {
  for (const holder of HOLDERS) {
    const names = Object.entries(fieldsOf(holder)).flatMap(([name, field]) =>
      field.kind === 'ref' && field.to === kind ? [name] : [],
    )
    if (names.length === 0) continue
    const items = kind === 'worker' ? shelf.marked(`worker:${id}`) : shelf.ofKind(holder)
    for (const item of items) {
      if (item.kind !== holder) continue
      const times = [from, ...turnsOf(item).filter((turn) => turn > from)]
      if (times.some((time) => names.some((name) => sayingAt(item, time)?.[name] === id))) return true
    }
  }
  return false
}
