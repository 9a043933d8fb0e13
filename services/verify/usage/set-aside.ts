import { schemaIdOf } from '../../../schemas/avro.ts'
import { holdsUsageEvents } from '../../../schemas/usage-values.ts'
import { NODE_ID_PATTERN, formatUuid } from '../../../schemas/ids.ts'
import { rulesAt } from '../../../schemas/since.ts'
import type { Since } from '../../../schemas/since.ts'
import type { UsageEvent, UsageMore } from '../../../schemas/usage.ts'
import type { SetAside } from '../dead-letters.ts'
import type { Differences, Row } from '../differences.ts'
import type { TextRow } from '../tables.ts'
import { usageOf } from './model.ts'
import { eventKey } from './rows.ts'

/** The first rules by which an event that is set aside has a row for its node. */
const HAS_ROW = 3

const NODE_ID = new RegExp(NODE_ID_PATTERN)
const NANO_DIGITS = 9
const NUMBERS = new Set(
  'tokens_in tokens_out duration_ms gpu_ms energy_mwh actual_usd_cost gpus inferences tokens_cached tokens_reasoning'.split(
    ' ',
  ),
)

/** Compares set_aside of one partition of usage.metered with the events that must be in it. */
export async function compareSetAside(
  differences: Differences,
  partition: number,
  setAside: readonly SetAside[],
  since: readonly Since[],
  found: readonly TextRow[],
): Promise<void> {
  const keyOf = (offset: bigint | string, index: number | string): string =>
    `partition ${partition} ${eventKey(offset, index)}`
  const expected = new Map<string, Row>()
  for (const letter of setAside) {
    for (const [index, row] of rowsOf(letter, since)) expected.set(keyOf(letter.record.offset, index), row)
  }
  await differences.compareRows(
    'set_aside',
    expected,
    found.map(({ record_offset, record_index, ...row }) => [
      keyOf(String(record_offset), String(record_index)),
      {
        ...row,
        event_id: legible(String(row['event_id'])),
        event: sorted(JSON.parse(String(row['event']))),
      },
    ]),
  )
}

/** The events of a letter that are shown to the nodes that they name, by their index. */
export function* shownToNodes(
  letter: SetAside,
  since: readonly Since[],
): Generator<readonly [index: number, nodeId: string]> {
  for (const [index, { node_id }] of rowsOf(letter, since)) yield [index, String(node_id)]
}

function* rowsOf({ record, reasons }: SetAside, since: readonly Since[]): Generator<[number, Row]> {
  const { value } = record
  const rules = rulesAt(since, record.offset)
  if (rules < HAS_ROW) return
  const schemaId = schemaIdOf(value)
  if (value === null || !holdsUsageEvents(schemaId)) return
  if (reasons.every(({ index }) => index < 0)) return
  const events = usageOf(value, rules)
  for (const { index, reason } of reasons) {
    const event = events[index]
    if (event === undefined || !NODE_ID.test(event.node_id)) continue
    yield [index, rowOf(event, reason, record.timestampMs)]
  }
}

function rowOf(event: UsageEvent, reason: string, receivedAtMs: number): Row {
  const { event_id, event_text, event_source: source, ...fields } = event
  return {
    node_id: event.node_id,
    event_id: legible(event_text ?? formatUuid(event_id)),
    reason,
    received_at: receivedAtMs,
    event: sorted({ ...shownOf(fields), source }),
  }
}

/** The fields that a client would give, without its id: which of two texts that was is not compared again here. */
function shownOf(
  fields: Omit<UsageEvent, 'event_id' | 'event_text' | 'event_source'>,
): Record<string, unknown> {
  const { cost_nano_usd, occurred_at, energy_source, more, ...rest } = fields
  const time = new Date(occurred_at)
  const digits = BigInt(Math.abs(cost_nano_usd))
    .toString()
    .padStart(NANO_DIGITS + 1, '0')
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, '')
  const whole = `${cost_nano_usd < 0 ? '-' : ''}${digits.slice(0, -NANO_DIGITS)}`
  return {
    ...rest,
    ...moreShown(more),
    occurred_at: Number.isNaN(time.getTime()) ? occurred_at : time.toISOString(),
    energy_source: energy_source === 'none' ? null : energy_source,
    actual_usd_cost: fraction === '' ? whole : `${whole}.${fraction}`,
  }
}

/** A text that is equal for equal labels, whatever their order; where a name occurs twice, an object keeps the last. */
function labelsText(labels: readonly (readonly [name: string, value: unknown])[]): string {
  const fields = [...new Map(labels)].toSorted(([left], [right]) => (left < right ? -1 : 1))
  // JSON would write a lone surrogate, which marks text that is not UTF-8, as an escape.
  const isLegible = fields.flat().every((text) => legible(String(text)) === text)
  return isLegible ? JSON.stringify(fields) : '\ufffd'
}

/** Without values that are the default. */
function moreShown(more: UsageMore | null): Record<string, unknown> {
  if (more === null) return {}
  const { gpus, inferences, labels, ...fields } = more
  return {
    ...fields,
    gpus: gpus === 1 ? null : gpus,
    inferences: inferences === 1 ? null : inferences,
    labels: labels.length === 0 ? null : labelsText(labels.map(({ name, value }) => [name, value] as const)),
  }
}

/**
 * A text that is equal for equal events: names in order, without absent values and without the id. Numbers beyond 2^53
 * are compared as the doubles next to them.
 */
function sorted(event: Record<string, unknown>): string {
  const fields = Object.entries(event).filter(([name, value]) => value !== null && name !== 'event_id')
  const rounded = fields.map(([name, value]) => {
    if (isNumber(name, value)) return [name, Number(value)] as const
    if (name === 'labels')
      return [
        name,
        legible(typeof value === 'string' ? value : labelsText(Object.entries(value as object))),
      ] as const
    return [name, typeof value === 'string' ? legible(value) : value] as const
  })
  return JSON.stringify(rounded.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

/** Times are texts where a date exists for them. */
function isNumber(name: string, value: unknown): boolean {
  return NUMBERS.has(name) || (name === 'occurred_at' && Number.isFinite(Number(value)))
}

/** Bytes that are not UTF-8 are shown with marks in their place; the text around them is not compared. */
function legible(text: string): string {
  return text.includes('\ufffd') || !text.isWellFormed() ? '\ufffd' : text
}
