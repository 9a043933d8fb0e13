import {
  BATCH_ITEMS_MAX,
  COMPLETE_SPANS_MAX,
  INTERVAL_S_MAX,
  INTERVAL_S_MIN,
  SEQ_MAX,
} from '../../../schemas/fleet/bounds.ts'
import { LANES } from '../../../schemas/fleet/records.ts'
import type {
  FleetNodeName,
  Mark,
  NodeHeartbeat,
  Span,
  WorkerTelemetry,
} from '../../../schemas/fleet/records.ts'
import { FieldReader } from '../../json/field-reader.ts'
import { isJsonObject } from '../../json/json-object.ts'
import { jsonPointer, Refusal } from '../../json/refusal.ts'
import { isKeptTime } from '../fits.ts'
import { isBelow } from '../seen.ts'

/** A batch without its items. */
export type BatchHead = Omit<WorkerTelemetry, 'items'>

const NODE_MEMBERS = ['provider_id', 'location_id', 'node_id', 'epoch', 'interval_s'] as const
const BATCH_MEMBERS: ReadonlySet<string> = new Set([
  ...NODE_MEMBERS,
  'first_seq',
  'lane',
  'low',
  'complete',
  'items',
])
const HEARTBEAT_MEMBERS: ReadonlySet<string> = new Set([...NODE_MEMBERS, 'sent_at', 'version'])
const MARK_MEMBERS: ReadonlySet<string> = new Set(['epoch', 'seq'])
const SPAN_MEMBERS: ReadonlySet<string> = new Set(['from', 'to'])

/**
 * Reads what a batch says of itself, parsed from JSON with an empty array in the place of its items; or says why all of it is
 * refused.
 */
export function acceptBatch(batch: unknown): BatchHead | Refusal {
  if (!isJsonObject(batch)) return new Refusal('not_an_object', '', 'A batch is a JSON object.')
  const fields = new FieldReader()
  refuseUnknown(fields, batch, '', BATCH_MEMBERS)
  const node = nodeIn(fields, batch)
  // The last item of the longest batch has a number, too.
  const first_seq = numberIn(fields, batch['first_seq'], '/first_seq', SEQ_MAX - BATCH_ITEMS_MAX)
  const lane = fields.oneOf(batch['lane'], '/lane', LANES)
  const low = markIn(fields, batch['low'], '/low')
  const complete = spansIn(fields, batch['complete'] ?? [], '/complete')
  refuseItems(fields, batch['items'])
  if (fields.refusal === null && isBelow({ epoch: node.epoch, seq: first_seq }, low))
    fields.refuse('invalid_value', '/low', 'Is above the first item: what a node sends, it still holds.')
  return fields.refusal ?? { ...node, first_seq, lane, low, complete }
}

/** Judges a heartbeat, parsed from JSON. */
export function acceptNodeHeartbeat(heartbeat: unknown): NodeHeartbeat | Refusal {
  if (!isJsonObject(heartbeat)) return new Refusal('not_an_object', '', 'A heartbeat is a JSON object.')
  const fields = new FieldReader()
  refuseUnknown(fields, heartbeat, '', HEARTBEAT_MEMBERS)
  const node = nodeIn(fields, heartbeat)
  const sent_at = timeIn(fields, heartbeat['sent_at'], '/sent_at')
  const software_version = fields.freeText(heartbeat['version'], '/version')
  return fields.refusal ?? { ...node, sent_at, software_version }
}

function refuseUnknown(fields: FieldReader, value: object, path: string, known: ReadonlySet<string>): void {
  for (const name in value) {
    if (!known.has(name))
      fields.refuse('unknown_field', `${path}${jsonPointer(name)}`, 'Is no field of this.')
  }
}

/** What batches and heartbeats say alike. */
function nodeIn(
  fields: FieldReader,
  value: Readonly<Record<string, unknown>>,
): FleetNodeName & { readonly epoch: number; readonly interval_s: number } {
  const interval_s = numberIn(fields, value['interval_s'], '/interval_s', INTERVAL_S_MAX)
  if (fields.refusal === null && interval_s < INTERVAL_S_MIN)
    fields.refuse('out_of_range', '/interval_s', `Must be from ${INTERVAL_S_MIN} to ${INTERVAL_S_MAX}.`)
  return {
    provider_id: fields.id(value['provider_id'], '/provider_id'),
    location_id: fields.id(value['location_id'], '/location_id'),
    node_id: fields.id(value['node_id'], '/node_id'),
    epoch: numberIn(fields, value['epoch'], '/epoch'),
    interval_s,
  }
}

/** A required whole number from 1. */
function numberIn(fields: FieldReader, value: unknown, path: string, max = SEQ_MAX): number {
  if (value === undefined || value === null) fields.refuse('missing', path, 'Is required.')
  const number = fields.integer(value, path, max, 1)
  if (number === 0) fields.refuse('out_of_range', path, `Must be a whole number from 1 to ${max}.`)
  return number
}

function refuseItems(fields: FieldReader, items: unknown): void {
  if (items === undefined || items === null) fields.refuse('missing', '/items', 'Is required.')
  else if (!Array.isArray(items)) fields.refuse('wrong_type', '/items', 'Must be an array.')
  else if (items.length > 0) fields.refuse('duplicate_field', '/items', 'Stands twice.')
}

function markIn(fields: FieldReader, value: unknown, path: string): Mark {
  if (!isJsonObject(value)) {
    fields.refuse('wrong_type', path, 'Must be an object with epoch and seq.')
    return { epoch: 1, seq: 1 }
  }
  refuseUnknown(fields, value, path, MARK_MEMBERS)
  return {
    epoch: numberIn(fields, value['epoch'], `${path}/epoch`),
    seq: numberIn(fields, value['seq'], `${path}/seq`),
  }
}

function spansIn(fields: FieldReader, value: unknown, path: string): Span[] {
  if (!Array.isArray(value) || value.length > COMPLETE_SPANS_MAX) {
    fields.refuse('too_large', path, `Must be an array of at most ${COMPLETE_SPANS_MAX} spans.`)
    return []
  }
  return value.map((span: unknown, index) => {
    const at = `${path}/${index}`
    if (!isJsonObject(span)) fields.refuse('wrong_type', at, 'Must be an object with from and to.')
    else refuseUnknown(fields, span, at, SPAN_MEMBERS)
    const { from: begin, to: end } = isJsonObject(span) ? span : {}
    const from = timeIn(fields, begin, `${at}/from`)
    const to = timeIn(fields, end, `${at}/to`)
    if (fields.refusal === null && from >= to) fields.refuse('invalid_value', at, 'Ends before it begins.')
    return { from, to }
  })
}

function timeIn(fields: FieldReader, value: unknown, path: string): number {
  const atMs = fields.time(value, path)
  if (!isKeptTime(atMs)) fields.refuse('invalid_time', path, 'Is no time that can be kept.')
  return atMs
}
