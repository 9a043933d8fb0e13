import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { acceptUsageEvent } from '../../../pipelines/usage/accept/accept.ts'
import { SampleWork } from './events.ts'
import type { SampleEvent } from './events.ts'

const NOW_MS = Date.UTC(2026, 10, 20, 12)
const COUNT = 20_000

function take(startMs: number, count: number): SampleEvent[] {
  const work = new SampleWork({ seed: 1, startMs })
  return Array.from({ length: count }, (_, index) => work.next(NOW_MS + index))
}

const sample = take(NOW_MS, COUNT)
const share = (matches: (event: SampleEvent) => boolean) => sample.filter(matches).length / COUNT

describe('the sample', () => {
  it('is the same for the same seed and start', () => {
    assert.deepEqual(take(NOW_MS, 500), sample.slice(0, 500))
  })

  it('repeats no id after a restart', () => {
    const ids = new Set(sample.map((event) => event.event_id))
    assert(take(NOW_MS + 1, COUNT).every((event) => !ids.has(event.event_id)))
  })

  it('holds only events that the gateway accepts', () => {
    for (const [index, event] of sample.entries()) {
      const accepted = acceptUsageEvent(event, NOW_MS + index)
      assert(!(accepted instanceof Refusal), `${JSON.stringify(event)}: ${JSON.stringify(accepted)}`)
    }
  })

  it('has fifty nodes in three tiers, about ten operators, and all kinds of work', () => {
    const nodes = new Set(sample.map((event) => event.node_id))
    const operators = new Set(sample.map((event) => event.operator_id).filter((id) => id !== undefined))
    assert.equal(nodes.size, 50)
    assert.deepEqual(
      new Set([...nodes].map((id) => id.split('-')[1])),
      new Set(['flat', 'regional', 'central']),
    )
    assert(operators.size >= 8 && operators.size <= 10, `${operators.size} operators`)
    assert.deepEqual(new Set(sample.map((event) => event.task_source)), new Set(['own', 'hive', 'idle']))
    assert(new Set(sample.map((event) => event.model_id)).size >= 6)
    assert(share((event) => event.actual_usd_cost !== undefined) > 0.3)
    assert(share((event) => event.energy_source === 'meter') > 0.01)
  })

  it('holds 2 % repeats, byte for byte, and 1 % late events', () => {
    const first = new Map<string, SampleEvent>()
    let repeats = 0
    for (const event of sample) {
      const earlier = first.get(event.event_id)
      if (earlier === undefined) first.set(event.event_id, event)
      else {
        repeats += 1
        assert.equal(JSON.stringify(event), JSON.stringify(earlier))
      }
    }
    assert(repeats / COUNT > 0.015 && repeats / COUNT < 0.025, `${repeats} repeats`)
    const late = share((event) => Date.parse(event.occurred_at) < NOW_MS - 6 * 60_000)
    assert(late > 0.006 && late < 0.014, `${late} late`)
  })
})
