import * as fc from 'fast-check'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { ENERGY_SOURCES, EXECUTIONS, TASK_SOURCES, USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent, UsageMore } from '../../../schemas/usage.ts'

/** Usage events for tests: one with the fields that the test sets, and arbitrary ones within the bounds. */

/** An empty event, with the fields that the test sets. */
export function usageEvent(fields: Partial<UsageEvent> = {}): UsageEvent {
  return {
    event_id: Buffer.alloc(16, 1),
    event_text: null,
    node_id: 'node-1',
    operator_id: null,
    model_id: 'model-1',
    task_source: 'hive',
    occurred_at: 0,
    tokens_in: 0,
    tokens_out: 0,
    duration_ms: null,
    gpu_ms: null,
    energy_mwh: null,
    energy_source: 'none',
    cost_nano_usd: 0,
    goal_id: null,
    requester_node_id: null,
    reservation_id: null,
    event_source: null,
    more: null,
    ...fields,
  }
}

/** 16 bytes made from a number. */
export function eventId(number: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(number, 12)
  return bytes
}

/** The first `count` names `node-…` that belong to the partition. */
export function nodesOfPartition(partition: number, partitions: number, count: number): string[] {
  const nodes: string[] = []
  for (let number = 1; nodes.length < count; number++) {
    if (partitionOfNode(`node-${number}`, partitions) === partition) nodes.push(`node-${number}`)
  }
  return nodes
}

const ID_LETTERS = Array.from('abcxyzABCXYZ0189._:-')
const { tokensMax, durationMsMax, energyMwhMax, costNanoUsdMax } = USAGE_BOUNDS

/** node_id and the other ids of the same form. */
export const idText = fc.string({ unit: fc.constantFrom(...ID_LETTERS), minLength: 1, maxLength: 64 })
const freeText = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', ' ', '/', 'ä', '€', '😀'),
  minLength: 1,
  maxLength: 128,
})
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null })

const label = fc.record(
  {
    name: fc.stringMatching(/^[a-z0-9_]{1,32}$/),
    value: freeText.filter((text) => Array.from(text).length <= 64),
  },
  { noNullPrototype: true },
)

/** Fields that few events have. */
const anyMore: fc.Arbitrary<UsageMore> = fc.record(
  {
    gpus: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: USAGE_BOUNDS.gpusMax })),
    inferences: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: USAGE_BOUNDS.inferencesMax })),
    tokens_cached: maybe(fc.nat(tokensMax)),
    tokens_reasoning: maybe(fc.nat(tokensMax)),
    execution: maybe(fc.constantFrom(...EXECUTIONS)),
    labels: fc
      .uniqueArray(label, { maxLength: USAGE_BOUNDS.labelsMax, selector: ({ name }) => name })
      .map((labels) => labels.toSorted((left, right) => (left.name < right.name ? -1 : 1))),
  },
  { noNullPrototype: true },
)

/** Parts of tokens are at most the whole. */
function withParts(event: UsageEvent): UsageEvent {
  if (event.more === null) return event
  const { tokens_cached, tokens_reasoning } = event.more
  const part = (value: number | null, whole: number): number | null =>
    value === null ? null : value % (whole + 1)
  const more = {
    ...event.more,
    tokens_cached: part(tokens_cached, event.tokens_in),
    tokens_reasoning: part(tokens_reasoning, event.tokens_out),
  }
  return { ...event, more }
}

/** Events whose fields are in bounds, anywhere in them. */
export const anyUsageEvent: fc.Arbitrary<UsageEvent> = fc
  .record(
    {
      event_id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
      event_text: maybe(freeText),
      node_id: idText,
      operator_id: maybe(idText),
      model_id: freeText,
      task_source: fc.constantFrom(...TASK_SOURCES),
      occurred_at: fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }),
      tokens_in: fc.oneof(fc.nat(2 ** 31 - 1), fc.nat(tokensMax)),
      tokens_out: fc.oneof(fc.nat(2 ** 31 - 1), fc.nat(tokensMax)),
      duration_ms: maybe(fc.nat(durationMsMax)),
      gpu_ms: maybe(fc.nat(durationMsMax)),
      energy_mwh: maybe(fc.integer({ min: 0, max: energyMwhMax })),
      energy_source: fc.constantFrom(...ENERGY_SOURCES.slice(1)),
      cost_nano_usd: fc.integer({ min: 0, max: costNanoUsdMax }),
      goal_id: maybe(idText),
      requester_node_id: maybe(idText),
      reservation_id: maybe(idText),
      event_source: maybe(freeText),
      more: maybe(anyMore),
    },
    { noNullPrototype: true },
  )
  .map((event) => (event.energy_mwh === null ? Object.assign(event, { energy_source: 'none' }) : event))
  .map(withParts)
