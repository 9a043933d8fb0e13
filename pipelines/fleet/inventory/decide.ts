import { ENROLMENT_MS, PLANNED_MS_MAX, VERSIONS_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import { ENTITIES } from '../../../schemas/fleet/inventory/entities.ts'
import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { unknownCode } from '../../../schemas/fleet/inventory/records.ts'
import type { Action, InventoryResult, Version } from '../../../schemas/fleet/inventory/records.ts'
import { DAY_MS } from '../../../schemas/units.ts'
import { bodyFrom, fixedChanges, numberIn } from './body.ts'
import type { Given } from './body.ts'
import type { Book } from './book.ts'
import { exclusiveFault } from './exclusive.ts'
import { ofToken } from './index-keys.ts'
import { firstUse, referenceFault } from './references.ts'
import { refused } from './refusal.ts'
import type { Refused } from './refusal.ts'
import { edgeAtOrAfter, isOnEdge, keptOf, KNOWN_ALL, piecesOf, versionAt } from './versions.ts'

/** A command whose form has been checked: `inventory-faults.ts`. */
export interface Request {
  readonly action: Action
  readonly kind: EntityKind
  readonly id: string
  readonly expected: readonly number[] | null
  readonly validFrom: number | null
  readonly validTo: number | null
  readonly isRestated: boolean
  readonly given: Given
}

/** Where a command stands in the log, and who sent it. */
export interface Moment {
  readonly nowMs: number
  readonly offset: number
  readonly by: string
}

/** A version that a command makes of an entity. */
export interface Made {
  readonly kind: EntityKind
  readonly id: string
  readonly version: Version
}

/** What becomes of a command: why it is refused, or the versions that it makes, its own first. */
export type Decided =
  | { readonly refused: Refused }
  | { readonly result: InventoryResult; readonly made: readonly Made[] }

/** Decides a command by what the provider's inventory is at its place in the log. Changes nothing. */
export function decide(book: Book, request: Request, moment: Moment): Decided {
  if (request.isRestated)
    return no(refused('restate_not_built', 'Changes in the past are restatements, which are not built yet.'))
  if (request.action === 'enrol') return enrol(book, request, moment)
  if (request.action === 'create') return create(book, request, moment)
  return replace(book, request, moment, newestOf(book, request, moment.nowMs))
}

/** The versions of the entity that are kept, the oldest first; empty for one that is not there. */
function newestOf(book: Book, { kind, id }: Request, nowMs: number): readonly Version[] {
  return keptOf(book.entity(kind, id)?.versions ?? [], nowMs)
}

function create(book: Book, request: Request, moment: Moment): Decided {
  const { kind, id, given } = request
  if (book.entity(kind, id) !== undefined) return no(refused('id_taken', 'There is such an entity already.'))
  if (book.count(kind) >= ENTITIES[kind].most)
    return no(refused('too_many_entities', `A provider has at most ${ENTITIES[kind].most} of these.`))
  const span = spanOf(request, moment, null)
  if ('refused' in span) return span
  const laid = bodyFrom(kind, {}, given)
  if ('missing' in laid) return no(missing(laid.missing))
  return make(book, request, moment, { ...span, body: laid.body, before: {}, number: 1 })
}

function replace(book: Book, request: Request, moment: Moment, existing: readonly Version[]): Decided {
  const { kind, given, expected, action } = request
  const newest = existing.at(-1)
  const pieces = piecesOf(existing)
  const earliestMs = edgeAtOrAfter(moment.nowMs)
  // Of an entity that is only planned the plan changes.
  const standing = pieces.find(({ toMs }) => toMs > (request.validFrom ?? earliestMs))
  if (newest === undefined || standing === undefined) {
    if (kind !== 'provider' || action !== 'change')
      return no(refused(unknownCode(kind), 'There is no such entity at that time.'))
    return expected === null
      ? create(book, request, moment)
      : no(refused('version_conflict', 'There is no version yet: send it without If-Match.'))
  }
  if (expected !== null && !expected.includes(newest.version))
    return no(
      refused('version_conflict', `The newest version is ${newest.version}: read it again and decide.`),
    )
  if (existing.length >= VERSIONS_MAX)
    return no(
      refused(
        'too_many_versions',
        `At most ${VERSIONS_MAX} versions are kept; the oldest go 80 hours after their end.`,
      ),
    )
  const span = spanOf(request, moment, standing.fromMs)
  if ('refused' in span) return span
  const number = newest.version + 1
  if (action === 'end') return end(book, request, moment, { fromMs: span.fromMs, number })
  const base = versionAt(existing, span.fromMs)
  if (base?.body == null) return no(refused(unknownCode(kind), 'There is no such entity at that time.'))
  const fixed = fixedChanges(kind, base.body, given)
  if (fixed.length > 0)
    return no(refused('fixed_field', `${named(fixed)} cannot change: end this one, and create another.`))
  const laid = bodyFrom(kind, base.body, given)
  if ('missing' in laid) return no(missing(laid.missing))
  const toMs = request.validTo === null ? (base.valid_to ?? KNOWN_ALL) : span.toMs
  if (toMs <= span.fromMs) return no(refused('invalid_change', 'It would end before it begins.'))
  return make(book, request, moment, {
    fromMs: span.fromMs,
    toMs,
    body: laid.body,
    before: base.body,
    number,
  })
}

function end(
  book: Book,
  { kind, id }: Request,
  moment: Moment,
  { fromMs, number }: { readonly fromMs: number; readonly number: number },
): Decided {
  const entity = book.entity(kind, id)
  const user = entity === undefined ? null : firstUse(book, entity, fromMs)
  if (user !== null)
    return no(refused('in_use', `The ${user.kind} ${user.id} needs it then: end or change that first.`))
  return done(kind, id, versionOf(moment, { fromMs, toMs: KNOWN_ALL, body: null, number }))
}

/** What a version is made of. */
interface Draft {
  readonly fromMs: number
  readonly toMs: number
  readonly body: Body | null
  readonly number: number
}

function make(
  book: Book,
  { kind, id }: Request,
  moment: Moment,
  draft: Draft & { readonly body: Body; readonly before: Body },
): Decided {
  const fault =
    timeFault(kind, draft.body, draft.before, moment.nowMs) ??
    referenceFault(book, kind, id, draft.body, draft.fromMs) ??
    exclusiveFault(book, kind, id, draft.body, draft)
  return fault === null ? done(kind, id, versionOf(moment, draft)) : no(fault)
}

/** A node enrols with a token of its location, once and within a day of log time. */
function enrol(book: Book, request: Request, moment: Moment): Decided {
  const token = request.given['token_hash']
  const { nowMs } = moment
  for (const entity of book.keyed(ofToken(typeof token === 'string' ? token : ''))) {
    const newest = entity.versions.at(-1)
    if (newest?.body == null || newest.version !== 1 || nowMs >= newest.known_at + ENROLMENT_MS) continue
    const { token_hash: _, ...given } = request.given
    const location = newest.body['location'] ?? null
    const node = { ...request, kind: 'node', given: { ...given, location }, validFrom: null } as const
    const created = create(book, node, moment)
    if ('refused' in created) return created
    const draft = { fromMs: edgeAtOrAfter(nowMs), toMs: KNOWN_ALL, body: null, number: 2 }
    const used = { kind: 'enrolment', id: entity.id, version: versionOf(moment, draft) } as const
    return { ...created, made: [...created.made, used] }
  }
  return no(
    refused('enrolment_refused', 'The token is unknown, was used, or is older than a day: make another one.'),
  )
}

/** The time for which a version holds, or why it cannot be. */
function spanOf(
  { kind, validFrom, validTo }: Request,
  { nowMs }: Moment,
  standingFromMs: number | null,
): { readonly fromMs: number; readonly toMs: number } | { readonly refused: Refused } {
  const earliestMs = edgeAtOrAfter(nowMs)
  const fromMs = validFrom ?? Math.max(earliestMs, standingFromMs ?? 0)
  const toMs = validTo ?? KNOWN_ALL
  if (!isOnEdge(fromMs) || (validTo !== null && !isOnEdge(validTo)))
    return no(refused('not_on_edge', 'Changes are on the edges of 5 minutes, in UTC.'))
  if (fromMs < earliestMs)
    return no(refused('past', `It can begin at ${new Date(earliestMs).toISOString()} at the earliest.`))
  if (fromMs > nowMs + PLANNED_MS_MAX || (validTo !== null && validTo > nowMs + PLANNED_MS_MAX))
    return no(refused('too_far_ahead', `Changes are planned at most ${PLANNED_MS_MAX / DAY_MS} days ahead.`))
  if (validTo !== null && !ENTITIES[kind].isDated)
    return no(refused('invalid_change', 'Only identities and assignments have "valid_to": end the others.'))
  return toMs > fromMs ? { fromMs, toMs } : no(refused('invalid_change', 'It would end before it begins.'))
}

/**
 * Times in a body count from the next edge on. A window may be told as late as on its own day (UTC): it excuses from its
 * start, and what was decided before stays.
 */
function timeFault(kind: EntityKind, body: Body, before: Body, nowMs: number): Refused | null {
  const dayMs = Math.floor(nowMs / DAY_MS) * DAY_MS
  const earliestMs = kind === 'window' ? dayMs : edgeAtOrAfter(nowMs)
  for (const name of ['commissioned_at', 'retired_at', 'starts_at', 'ends_at']) {
    const atMs = numberIn(body, name)
    if (atMs === null || atMs === before[name]) continue
    if (atMs < earliestMs)
      return refused('past', `"${name}" is ${new Date(earliestMs).toISOString()} at the earliest.`)
    if (atMs > nowMs + PLANNED_MS_MAX) return refused('too_far_ahead', `"${name}" is too far ahead.`)
  }
  return null
}

function versionOf({ nowMs, offset, by }: Moment, { fromMs, toMs, body, number }: Draft): Version {
  return {
    version: number,
    valid_from: fromMs,
    valid_to: toMs === KNOWN_ALL ? null : toMs,
    known_at: nowMs,
    known_offset: offset,
    by,
    body,
  }
}

function done(kind: EntityKind, id: string, version: Version): Decided {
  const result = { id, version: version.version, valid_from: version.valid_from }
  return { result, made: [{ kind, id, version }] }
}

function no(why: Refused): { readonly refused: Refused } {
  return { refused: why }
}

function missing(names: readonly string[]): Refused {
  return refused('invalid_change', `${named(names)} must have a value.`)
}

function named(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
