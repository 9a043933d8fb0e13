import * as fc from 'fast-check'
import { modelsCodec, tickCodec } from '../../../schemas/avro.ts'
import type { UsageEvent, UsageMore } from '../../../schemas/usage.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { usageRecord } from './aggregator-log.ts'
import { inputRecord } from './task-log.ts'
import { eventId, usageEvent } from './usage-events.ts'

/** Logs of usage.metered as producers may write them, repeats and late events included. */

export const USAGE_START_MS = 472_222 * 3_600_000

const NODES = ['node-a', 'node-b', 'node-c']
const MODELS = ['model-1', 'claude', 'mobilevlm-onnx']

/** Fields that few events have; some of them without content. */
const more: fc.Arbitrary<UsageMore> = fc.record({
  gpus: fc.constantFrom(1, 8),
  inferences: fc.constantFrom(1, 270, 1_000_000),
  tokens_cached: fc.constantFrom(null, 0),
  tokens_reasoning: fc.constantFrom(null, 0),
  execution: fc.constantFrom(null, 'api' as const, 'local' as const),
  labels: fc.constantFrom(
    [],
    [{ name: 'team', value: 'näme' }],
    [
      { name: 'a', value: 'x' },
      { name: 'team', value: 'red' },
    ],
  ),
})

/**
 * Events of few ids, so that repeats and conflicts are common. The copies of an id differ (a conflict) in the cost alone:
 * a copy with another event time counts as new once its first copy has left memory.
 */
const event: fc.Arbitrary<UsageEvent> = fc
  .record({
    id: fc.nat(60),
    minutesAgo: fc.integer({ min: -3, max: 40 }),
    cost: fc.constantFrom(0, 0, 1, 290_000_000, 1_000_000_000),
    conflict: fc.nat(9),
    tokens: fc.oneof({ weight: 5, arbitrary: fc.nat(5_000) }, { weight: 1, arbitrary: fc.constant(1e12) }),
    more: fc.option(more, { nil: null, freq: 2 }),
    gpu_ms: fc.option(fc.nat(100_000), { nil: null }),
    energy_mwh: fc.option(fc.nat(100_000), { nil: null }),
    energy_source: fc.constantFrom('meter' as const, 'device' as const, 'estimate' as const),
  })
  .map(({ id, minutesAgo, cost, conflict, tokens, ...fields }) =>
    usageEvent({
      ...fields,
      energy_source: fields.energy_mwh === null ? 'none' : fields.energy_source,
      event_id: eventId(id),
      node_id: NODES[id % 3] ?? '',
      operator_id: id % 4 === 0 ? `op-${id % 3}` : null,
      model_id: MODELS[id % MODELS.length] ?? '',
      task_source: (['own', 'hive', 'idle'] as const)[id % 5 === 0 ? 0 : 1 + (id % 2)] ?? 'own',
      occurred_at: USAGE_START_MS - minutesAgo * 60_000 + id,
      cost_nano_usd: cost + (conflict === 0 ? 7 : 0),
      tokens_in: tokens,
    }),
  )

/** An id means one event: it has the fields of its first draw, except the cost of a conflict. */
function unified(records: UsageEvent[][]): UsageEvent[][] {
  const first = new Map<string, UsageEvent>()
  return records.map((events) =>
    events.map((drawn) => {
      const id = drawn.event_id.toString('hex')
      const known = first.get(id)
      if (known === undefined) {
        first.set(id, drawn)
        return drawn
      }
      return drawn.cost_nano_usd % 10 === 7 ? { ...known, cost_nano_usd: drawn.cost_nano_usd } : known
    }),
  )
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('usage' as const), events: fc.array(event, { maxLength: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('broken' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('models' as const), version: fc.integer({ min: 1, max: 4 }) }),
  },
)

/** A log of usage.metered; time passes by `laterMs` between its records. */
export function usageLog(laterMs: fc.Arbitrary<number>): fc.Arbitrary<LogRecord[]> {
  const timed = fc.record({ laterMs, step })
  return fc.array(timed, { minLength: 1, maxLength: 25 }).map((steps) => {
    const events = unified(steps.map(({ step }) => (step.kind === 'usage' ? step.events : [])))
    let atMs = USAGE_START_MS
    // Every second offset: commit markers, or nothing, are between them.
    return steps.map((timed, index) => {
      atMs += timed.laterMs
      const offset = index * 2
      switch (timed.step.kind) {
        case 'usage':
          return usageRecord(offset, atMs, events[index] ?? [])
        case 'tick':
          return inputRecord(offset, atMs, tickCodec.encode({ written_by: 'test' }))
        case 'models': {
          const { version } = timed.step
          const models = [{ model_id: 'model-1', paid_api: version === 3, tdp_watts: 100 * version }]
          return inputRecord(offset, atMs, modelsCodec.encode({ version, models }))
        }
        default:
          return inputRecord(offset, atMs, Buffer.from('not ours'))
      }
    })
  })
}
