import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { CONTAINER_DEPTH_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import { unknownCode } from '../../../schemas/fleet/inventory/records.ts'
import { fieldsOf, idsIn, numberIn, textIn } from './body.ts'
import type { Book } from './book.ts'
import type { Entity } from './entity.ts'
import { ofWorker } from './index-keys.ts'
import { refused } from './refusal.ts'
import type { Refused } from './refusal.ts'
import { piecesOf } from './versions.ts'

/** Why what a body names is not there at a time, or not where it should be; null where all of it is. */
export function referenceFault(
  book: Book,
  kind: EntityKind,
  id: string,
  body: Body,
  atMs: number,
): Refused | null {
  for (const [name, field] of Object.entries(fieldsOf(kind))) {
    if (field.kind !== 'ref' && field.kind !== 'refs') continue
    const missing = idsIn(body[name]).find((one) => book.at(field.to, one, atMs) === null)
    if (missing !== undefined)
      return refused(
        unknownCode(field.to),
        `"${name}" names ${missing}: there is no such ${field.to} at that time.`,
      )
  }
  return placeFault(book, kind, id, body, atMs) ?? formFault(kind, body)
}

/** The entities that name this one at any time from `fromMs` on: it cannot end before them. */
export function firstUse(book: Book, { kind, id }: Entity, fromMs: number): Entity | null {
  for (const other of usersOf(book, kind, id)) {
    const isUsing = piecesOf(other.versions).some(
      ({ toMs, version }) => toMs > fromMs && names(other.kind, version.body ?? {}, kind, id),
    )
    if (isUsing) return other
  }
  return null
}

/**
 * What keeps another entity from ending. Windows, tickets and identities do not: of something that is gone they say
 * nothing any more.
 */
const HOLDING = ['container', 'slot', 'node', 'worker', 'assignment'] as const satisfies readonly EntityKind[]

/** What is a worker's is found by its key; of other kinds all that could name the entity are looked through. */
function* usersOf(book: Book, kind: EntityKind, id: string): Iterable<Entity> {
  for (const other of HOLDING) {
    const refers = Object.values(fieldsOf(other)).some((field) => field.kind === 'ref' && field.to === kind)
    if (!refers) continue
    if (kind !== 'worker') yield* book.all(other)
    else for (const one of book.keyed(ofWorker(id))) if (one.kind === other) yield one
  }
}

function names(kind: EntityKind, body: Body, toKind: EntityKind, toId: string): boolean {
  return Object.entries(fieldsOf(kind)).some(
    ([name, field]) => field.kind === 'ref' && field.to === toKind && body[name] === toId,
  )
}

/** Containers, slots and nodes belong to a location, and whatever stands in them stands there. */
function placeFault(book: Book, kind: EntityKind, id: string, body: Body, atMs: number): Refused | null {
  if (kind === 'container') return containerFault(book, id, body, atMs)
  if (kind !== 'assignment') return null
  const location = textIn(body, 'location')
  const container = textIn(body, 'container')
  const slot = textIn(body, 'slot')
  if (slot !== null && textIn(bodyAt(book, 'slot', slot, atMs), 'container') !== container)
    return refused('elsewhere', 'The slot is in another container.')
  for (const [of, one] of [['container', container] as const, ['node', textIn(body, 'node')] as const]) {
    if (one !== null && textIn(bodyAt(book, of, one, atMs), 'location') !== location)
      return refused('elsewhere', `The ${of} is at another location.`)
  }
  return null
}

function containerFault(book: Book, id: string, body: Body, atMs: number): Refused | null {
  let parent = textIn(body, 'parent')
  for (let depth = 0; parent !== null; depth += 1) {
    if (parent === id || depth >= CONTAINER_DEPTH_MAX)
      return refused(
        'elsewhere',
        `A container is in at most ${CONTAINER_DEPTH_MAX} others, and not in itself.`,
      )
    const above = bodyAt(book, 'container', parent, atMs)
    if (textIn(above, 'location') !== textIn(body, 'location'))
      return refused('elsewhere', 'The container above is at another location.')
    parent = textIn(above, 'parent')
  }
  return null
}

/** What must be given together. */
function formFault(kind: EntityKind, body: Body): Refused | null {
  const has = (name: string): boolean => Object.hasOwn(body, name)
  if (kind === 'slot' && has('label') === (has('row') && has('col')))
    return refused('invalid_change', 'A slot has either "row" and "col", or a "label".')
  if (kind === 'identity' && (textIn(body, 'kind') === 'pin') !== has('node'))
    return refused('invalid_change', 'A "pin", and nothing else, has a "node".')
  return kind === 'window' ? windowFault(body) : null
}

function windowFault(body: Body): Refused | null {
  const scope = textIn(body, 'scope') ?? ''
  for (const name of ['location', 'container', 'customer', 'workers'])
    if (Object.hasOwn(body, name) !== (name === scope))
      return refused('invalid_change', `A window over "${scope}" names "${scope}" and no other scope.`)
  const value = numberIn(body, 'target_value')
  const target = textIn(body, 'target')
  if ((target === 'off') !== (value === null) || (target === 'pct' && (value ?? 0) > 100))
    return refused('invalid_change', '"target_value" is watts or percent of a target that is not "off".')
  const endsAt = numberIn(body, 'ends_at')
  return endsAt === null || endsAt > (numberIn(body, 'starts_at') ?? 0)
    ? null
    : refused('invalid_change', 'A window ends after it starts.')
}

function bodyAt(book: Book, kind: EntityKind, id: string, atMs: number): Body {
  return book.at(kind, id, atMs)?.body ?? {}
}
