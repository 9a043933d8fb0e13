import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { nodeHeartbeatCodec, workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import { MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type { Field, Fields } from '../../../schemas/fleet/fields.ts'
import type { FleetItem, NodeHeartbeat, WorkerTelemetry } from '../../../schemas/fleet/records.ts'
import { isFreeText, NODE_ID_PATTERN, partitionOfNode } from '../../../schemas/ids.ts'
import { REFUSAL_CODES } from '../../../schemas/reasons.ts'
import type { Since } from '../../../schemas/since.ts'
import type { SourceRecord } from '../source.ts'
import { isTick } from '../ticks.ts'
import type { Wish } from './inventory/decide.ts'
import { readWish } from './inventory/read-wish.ts'

/** What a record of fleet.inbox is, read by the check itself: the second implementation of what the task takes. */
export type Read =
  | { readonly kind: 'batch'; readonly batch: WorkerTelemetry }
  | { readonly kind: 'heartbeat'; readonly heartbeat: NodeHeartbeat }
  | { readonly kind: 'command'; readonly wish: Wish }
  | { readonly kind: 'tick' }
  /** It must be in dead_letters, for this reason. */
  | { readonly kind: 'letter'; readonly reason: string }

/** What a partition judges its records by. */
export interface Judged {
  readonly partition: number
  readonly partitions: number
  readonly since: readonly Since[]
}

const NUMBERS_MAX = 4_503_599_627_370_495
const ITEMS = 1_000
const SPANS = 64
const WARNINGS = 16
const SECONDS_LEAST = 10
const SECONDS_MOST = 300

const KNOWN: ReadonlySet<number | null> = new Set([
  SCHEMA_ID.workerTelemetry,
  SCHEMA_ID.nodeHeartbeat,
  SCHEMA_ID.inventoryCommand,
])

const letter = (reason: string): Read => ({ kind: 'letter', reason })

/** Reads a record; none throws. */
export function readRecord(record: SourceRecord, judged: Judged): Read {
  if (record.unreadable !== undefined) return letter('cannot_be_unpacked')
  const id = schemaIdOf(record.value)
  if (id === SCHEMA_ID.tick) return isTick(record, judged.since) ? { kind: 'tick' } : letter('malformed')
  if (!KNOWN.has(id)) return letter('unknown_schema')
  const value = record.value ?? Buffer.alloc(0)
  try {
    if (id === SCHEMA_ID.inventoryCommand) {
      const { providerId, wish } = readWish(value)
      if (wish === null) return letter('out_of_range')
      return isHere(providerId, record, judged) ? { kind: 'command', wish } : letter('wrong_partition')
    }
    if (id === SCHEMA_ID.workerTelemetry) {
      const batch = workerTelemetryCodec.decode(value)
      if (!isBatch(batch)) return letter('out_of_range')
      return isHere(batch.provider_id, record, judged) ? { kind: 'batch', batch } : letter('wrong_partition')
    }
    const heartbeat = nodeHeartbeatCodec.decode(value)
    if (!isHeartbeat(heartbeat)) return letter('out_of_range')
    const isOwn = isHere(heartbeat.provider_id, record, judged)
    return isOwn ? { kind: 'heartbeat', heartbeat } : letter('wrong_partition')
  } catch {
    // The bytes are not those of the schema.
    return letter('malformed')
  }
}

function isHere(provider: string, { key }: SourceRecord, { partition, partitions }: Judged): boolean {
  return key !== null && key.toString() === provider && partitionOfNode(provider, partitions) === partition
}

const isNumber = (value: number): boolean => Number.isInteger(value) && value > 0 && value <= NUMBERS_MAX
const isTime = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= NUMBERS_MAX

function isNode({ provider_id, location_id, node_id, interval_s }: WorkerTelemetry | NodeHeartbeat): boolean {
  const names = [provider_id, location_id, node_id]
  const areNames = names.every((name) => new RegExp(NODE_ID_PATTERN).test(name))
  return areNames && interval_s >= SECONDS_LEAST && interval_s <= SECONDS_MOST
}

function isHeartbeat(heartbeat: NodeHeartbeat): boolean {
  return isNode(heartbeat) && isNumber(heartbeat.epoch) && isFreeText(heartbeat.software_version)
}

function isBatch(batch: WorkerTelemetry): boolean {
  const { epoch, first_seq, low, complete, items } = batch
  if (!isNode(batch) || ![epoch, first_seq, low.epoch, low.seq].every(isNumber)) return false
  if (low.epoch > epoch || (low.epoch === epoch && low.seq > first_seq)) return false
  if (items.length < 1 || items.length > ITEMS || first_seq + items.length > NUMBERS_MAX) return false
  if (complete.length > SPANS) return false
  if (complete.some(({ from, to }) => !isTime(from) || !isTime(to) || to <= from)) return false
  return items.every(isItem)
}

function isItem({ sample, poll, report, refused }: FleetItem): boolean {
  let kinds = 0
  for (const one of [sample, poll, report, refused]) if (one !== null) kinds += 1
  if (kinds !== 1) return false
  if (refused !== null) return REFUSAL_CODES.some((code) => code === refused)
  const machine = sample ?? poll ?? report
  if (machine === null || !isTime(machine.observed_at) || !areWithin(MACHINE_FIELDS, machine)) return false
  if (report !== null) return areWithin(REPORT_FIELDS, report)
  if (sample === null) return true
  const { warnings } = sample
  return warnings.length <= WARNINGS && warnings.every(isFreeText) && areWithin(SAMPLE_FIELDS, sample)
}

function areWithin(fields: Fields, record: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, field]) => isWithin(field, record[name]))
}

function isWithin(field: Field, value: unknown): boolean {
  if (value === null) return true
  if (field.kind === 'list') {
    const parts = value as readonly Readonly<Record<string, unknown>>[]
    return parts.length <= field.itemsMax && parts.every((part) => areWithin(field.fields, part))
  }
  if (field.kind === 'group') return areWithin(field.fields, value as Readonly<Record<string, unknown>>)
  if (field.kind === 'text' || field.kind === 'code') return typeof value === 'string' && isFreeText(value)
  if (field.kind === 'mac') return typeof value === 'string' && /^(?:[0-9A-F]{2}:){5}[0-9A-F]{2}$/.test(value)
  if (field.kind === 'flag' || field.kind === 'word') return true
  const number = Number(value)
  if (field.kind === 'time') return isTime(number)
  const least = field.kind === 'number' ? field.min : 0
  return number >= least && number <= field.max && (field.kind === 'number' || Number.isInteger(number))
}
