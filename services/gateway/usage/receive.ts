import { acceptCloudEvent, hasCloudEventNames } from '../../../pipelines/usage/accept/accept-cloudevent.ts'
import { acceptUsageEvent, hasUsageNames } from '../../../pipelines/usage/accept/accept.ts'
import type { AcceptMarks } from '../../../pipelines/usage/accept/accept.ts'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import type { RefusalCode } from '../../../schemas/reasons.ts'
import type { JsonItems } from '../../../pipelines/json/json-items.ts'
import { TEXT_CODE_POINTS_MAX, formatUuid } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { isAdmin, maySee } from '../../http/caller.ts'
import type { Caller } from '../../http/caller.ts'
import { FOREIGN, NONE_FOREIGN, withForeign } from '../foreign-nodes.ts'
import type { Foreign } from '../foreign-nodes.ts'
import type { EventMode } from './media-type.ts'

/** Events that are judged before other requests get a turn. */
const ITEMS_PER_TURN = 500

/** An event that was not taken, by its index in the request. */
export interface RejectedEvent {
  readonly index: number
  /** The text that was sent; null where it could not be an id. */
  readonly event_id: string | null
  readonly code: RefusalCode
  readonly path: string
  readonly detail: string
}

/** The events of one request, judged. */
export interface Received {
  readonly events: readonly UsageEvent[]
  /** The index in the request of each of `events`. */
  readonly indexes: readonly number[]
  readonly rejected: readonly RejectedEvent[]
  /** Those indexes whose amounts were rounded. */
  readonly rounded: ReadonlySet<number>
}

type Accept = (item: unknown, receiptMs: number, marks: AcceptMarks) => UsageEvent | Refusal

const NONE: ReadonlySet<number> = new Set()

/** Judges the items of a body, one by one, in parts, one part each turn: a bad event does not cause others to be refused. */
export async function receiveItems(
  items: JsonItems,
  mode: EventMode,
  receiptMs: number,
  pause: () => Promise<void>,
): Promise<Received> {
  if (mode === 'cloudevent' && items.isArray) {
    return refused(
      null,
      new Refusal('not_an_object', '', 'This content type holds one CloudEvent, not an array.'),
    )
  }
  if (mode === 'cloudevent_batch' && !items.isArray) {
    return refused(null, new Refusal('not_an_array', '', 'This content type holds an array of CloudEvents.'))
  }
  const isCloudEvent = mode === 'cloudevent' || mode === 'cloudevent_batch'
  const accept: Accept = isCloudEvent ? acceptCloudEvent : acceptUsageEvent
  const namesFit = isCloudEvent ? hasCloudEventNames : hasUsageNames
  const idField = isCloudEvent ? 'id' : 'event_id'
  const events: UsageEvent[] = []
  const indexes: number[] = []
  const rejected: RejectedEvent[] = []
  const rounded = new Set<number>()
  const marks = { isRounded: false }
  for (let index = 0; index < items.count; index += 1) {
    if (index > 0 && index % ITEMS_PER_TURN === 0) await pause()
    const item = items.read(index, namesFit)
    const result = item instanceof Refusal ? item : accept(item, receiptMs, marks)
    if (result instanceof Refusal) {
      rejected.push(reject(index, sentText(items.parsed(index), idField), result))
    } else {
      events.push(result)
      indexes.push(index)
      if (marks.isRounded) rounded.add(index)
    }
  }
  return { events, indexes, rejected, rounded }
}

/** Judges the one event whose attributes are in headers and whose data is the body. */
export function receiveBinary(
  attributes: Readonly<Record<string, string>> | Refusal,
  items: JsonItems,
  receiptMs: number,
): Received {
  if (attributes instanceof Refusal) return refused(null, attributes)
  const id = sentText(attributes, 'id')
  const data = items.isArray ? [] : items.read(0)
  if (data instanceof Refusal) return refused(id, new Refusal(data.code, `/data${data.path}`, data.detail))
  const marks = { isRounded: false }
  const result = acceptCloudEvent({ ...attributes, data }, receiptMs, marks)
  if (result instanceof Refusal) return refused(id, result)
  return { events: [result], indexes: [0], rejected: [], rounded: marks.isRounded ? new Set([0]) : NONE }
}

/** Events of nodes that the credential does not name are refused one by one. */
export function withoutForeign(received: Received, caller: Caller): Received & { readonly foreign: Foreign } {
  // Coordinators report for all nodes, so nothing is checked for them.
  if (isAdmin(caller) || caller.nodes === '*') return { ...received, foreign: NONE_FOREIGN }
  let foreign = NONE_FOREIGN
  const events: UsageEvent[] = []
  const indexes: number[] = []
  const rejected = [...received.rejected]
  for (const [at, event] of received.events.entries()) {
    const index = received.indexes[at] ?? at
    if (maySee(caller, event.node_id)) {
      events.push(event)
      indexes.push(index)
    } else {
      rejected.push(reject(index, event.event_text ?? formatUuid(event.event_id), FOREIGN))
      foreign = withForeign(foreign, event.node_id)
    }
  }
  return {
    ...received,
    events,
    indexes,
    rejected: rejected.sort((left, right) => left.index - right.index),
    foreign,
  }
}

function refused(id: string | null, refusal: Refusal): Received {
  return { events: [], indexes: [], rejected: [reject(0, id, refusal)], rounded: NONE }
}

function reject(index: number, event_id: string | null, { code, path, detail }: Refusal): RejectedEvent {
  return { index, event_id, code, path, detail }
}

/** Number of taken events that had an amount rounded. */
export function roundedOf({ indexes, rounded }: Received): number {
  return rounded.size === 0 ? 0 : indexes.filter((index) => rounded.has(index)).length
}

/** The id as it was sent; a text that is longer than any id is not sent back. */
function sentText(item: unknown, field: string): string | null {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, field)) return null
  const text = (item as Readonly<Record<string, unknown>>)[field]
  return typeof text === 'string' && text.length <= 2 * TEXT_CODE_POINTS_MAX ? text : null
}
