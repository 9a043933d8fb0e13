import { TASK_SOURCES, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { EnergySource, UsageEvent } from '../../../schemas/usage.ts'
import { FieldReader } from '../../json/field-reader.ts'
import { MORE_FIELDS, readMore } from './accept-more.ts'
import { Refusal, jsonPointer } from '../../json/refusal.ts'
import { hasOnlyNames, isJsonObject } from '../../json/json-object.ts'
import { timeProblem } from './time-unit.ts'

/** The members that a usage event may have. */
export const USAGE_FIELDS = [
  'event_id',
  'source',
  'node_id',
  'operator_id',
  'goal_id',
  'requester_node_id',
  'reservation_id',
  'model_id',
  'task_source',
  'occurred_at',
  'tokens_in',
  'tokens_out',
  'duration_ms',
  'gpu_ms',
  'energy_kwh',
  'energy_mwh',
  'energy_source',
  'actual_usd_cost',
  ...MORE_FIELDS,
] as const

type UsageField = (typeof USAGE_FIELDS)[number]

const KNOWN: ReadonlySet<string> = new Set(USAGE_FIELDS)
const MORE: ReadonlySet<string> = new Set(MORE_FIELDS)
/** Whether a field is one that few events have: one look-up for each name, as every event has its own names. */
const IS_MORE: ReadonlyMap<string, boolean> = new Map(USAGE_FIELDS.map((name) => [name, MORE.has(name)]))

/** What a client may send; `none` is how the log records that no energy was given. */
export const SENT_ENERGY_SOURCES = ['device', 'meter', 'estimate'] as const satisfies readonly EnergySource[]

const { tokensMax, durationMsMax, energyMwhMax, ageMsMax, aheadMsMax } = USAGE_BOUNDS

/** What was changed in an event that is accepted. */
export interface AcceptMarks {
  isRounded: boolean
}

/**
 * Judges one parsed JSON item, received at `receiptMs`: returns the usage event that it holds, or the first reason to
 * refuse it. Amounts (cost, energy, times) are rounded half-even, once, to the unit that is kept, and `marks` records that;
 * nothing else is altered or guessed. Numbers whose text a double may not hold are given as `NumberText` (`readJsonItems`
 * does that). `null` members count as absent.
 */
export function acceptUsageEvent(
  item: unknown,
  receiptMs: number,
  marks: AcceptMarks = { isRounded: false },
): UsageEvent | Refusal {
  if (!isJsonObject(item)) {
    return new Refusal('not_an_object', '', 'A usage event is a JSON object.')
  }
  let hasMore = false
  for (const name in item) {
    const isMore = IS_MORE.get(name)
    if (isMore === undefined) return unknownField(name)
    hasMore ||= isMore
  }
  return readEvent(item, receiptMs, hasMore, marks)
}

/**
 * Whether all names of a parsed item are those of a usage event; where one is not, `acceptUsageEvent` refuses the item
 * whatever it holds.
 */
export function hasUsageNames(item: unknown): boolean {
  return hasOnlyNames(item, KNOWN)
}

/** The refusal of a member that no usage event has: otherwise a cost under a misspelt name would become 0. */
export function unknownField(name: string): Refusal {
  return new Refusal('unknown_field', jsonPointer(name), 'Is no field of a usage event.')
}

function readEvent(
  item: Readonly<Record<UsageField, unknown>>,
  receiptMs: number,
  hasMore: boolean,
  marks: AcceptMarks,
): UsageEvent | Refusal {
  const reader = new FieldReader()
  const id = reader.eventId(item.event_id)
  const source = reader.source(item.source)
  const node_id = reader.id(item.node_id, '/node_id')
  const operator_id = reader.optionalId(item.operator_id, '/operator_id')
  const model_id = reader.freeText(item.model_id, '/model_id')
  const task_source = reader.oneOf(item.task_source, '/task_source', TASK_SOURCES)
  const occurred_at = reader.time(item.occurred_at, '/occurred_at')
  const tokens_in = reader.integer(item.tokens_in, '/tokens_in', tokensMax, 0)
  const tokens_out = reader.integer(item.tokens_out, '/tokens_out', tokensMax, 0)
  const more = hasMore ? readMore(reader, item, tokens_in, tokens_out) : null
  const duration_ms = reader.rounded(item.duration_ms, '/duration_ms', 0, durationMsMax)
  const gpu_ms = reader.rounded(item.gpu_ms, '/gpu_ms', 0, durationMsMax * (more?.gpus ?? 1))
  const energy_mwh = readEnergy(reader, item)
  const energy_source = readEnergySource(reader, item, energy_mwh)
  const cost_nano_usd = reader.cost(item.actual_usd_cost, '/actual_usd_cost')
  const goal_id = reader.optionalId(item.goal_id, '/goal_id')
  const requester_node_id = reader.optionalId(item.requester_node_id, '/requester_node_id')
  const reservation_id = reader.optionalId(item.reservation_id, '/reservation_id')
  const refusal =
    reader.refusal ?? timeProblem(item.occurred_at, receiptMs, ageProblem(occurred_at, receiptMs, 0))
  if (refusal !== null) return refusal
  marks.isRounded = reader.isRounded
  return {
    event_id: id.bytes,
    event_text: id.text,
    node_id,
    operator_id,
    model_id,
    task_source,
    occurred_at,
    tokens_in,
    tokens_out,
    duration_ms,
    gpu_ms,
    energy_mwh,
    energy_source,
    cost_nano_usd,
    goal_id,
    requester_node_id,
    reservation_id,
    // An id of 128 bits is unique without a source: the log holds a source only where it is part of the event's identity.
    event_source: id.isHashed ? source : null,
    more,
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function readEnergy(reader: FieldReader, item: Readonly<Record<UsageField, unknown>>): number | null {
  const { energy_kwh, energy_mwh } = item
  if (!isGiven(energy_kwh)) return reader.rounded(energy_mwh, '/energy_mwh', 0, energyMwhMax)
  if (isGiven(energy_mwh)) {
    reader.refuse('both_energies', '/energy_mwh', 'Give energy_kwh or energy_mwh, not both.')
    return null
  }
  return reader.rounded(energy_kwh, '/energy_kwh', 6, energyMwhMax)
}

function readEnergySource(
  reader: FieldReader,
  item: Readonly<Record<UsageField, unknown>>,
  energyMwh: number | null,
): EnergySource {
  const { energy_source } = item
  if (!isGiven(energy_source)) return energyMwh === null ? 'none' : 'device'
  const source = reader.oneOf(energy_source, '/energy_source', SENT_ENERGY_SOURCES)
  if (energyMwh !== null) return source
  reader.refuse('energy_missing', '/energy_source', 'Says how an energy was found, but there is no energy.')
  return 'none'
}

/**
 * Whether an event that occurred at `occurredAtMs` may be counted when it is received at `receiptMs`: from 35 days
 * before to 5 minutes after, both inclusive, `slackMs` wider at both ends. The gateway gives 0, the task
 * `USAGE_BOUNDS.taskSlackMs`, so that what a gateway accepted is never refused later.
 */
export function ageProblem(
  occurredAtMs: number,
  receiptMs: number,
  slackMs: number,
): Refusal<'too_old' | 'in_the_future'> | null {
  const ageMs = receiptMs - occurredAtMs
  if (ageMs > ageMsMax + slackMs) {
    return new Refusal(
      'too_old',
      '/occurred_at',
      `Is ${ageMs} ms before the receipt; at most ${ageMsMax + slackMs} ms are taken.`,
    )
  }
  if (-ageMs > aheadMsMax + slackMs) {
    return new Refusal(
      'in_the_future',
      '/occurred_at',
      `Is ${-ageMs} ms after the receipt; at most ${aheadMsMax + slackMs} ms are taken.`,
    )
  }
  return null
}
