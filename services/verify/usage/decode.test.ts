import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { avroType, framed, SCHEMA_ID, usageEventCodec, usageEventsCodec } from '../../../schemas/avro.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { RULES } from '../../../schemas/since.ts'
import { usageEvent } from '../../../test/support/records/usage-events.ts'
import { NotAvro, decodeUsageEvent, decodeUsageEvents } from './decode.ts'

const typeV1 = avroType('usage-events.v1')
const eventsOfV1 = (list: readonly UsageEvent[]): Buffer =>
  framed(SCHEMA_ID.usageEventsV1, [typeV1.toBuffer({ events: list })])

const withExecution = usageEvent({
  more: { gpus: 1, inferences: 1, tokens_cached: null, tokens_reasoning: null, execution: 'api', labels: [] },
})

describe('the decoder of verify', () => {
  it('reads what avsc writes', () => {
    const text = fc.string({ maxLength: 30, unit: 'grapheme' })
    const optional = fc.option(text)
    // Beyond 2^52 avsc's own encoder rounds; no field comes near.
    const long = fc.integer({ min: -(2 ** 51), max: 2 ** 51 })
    const label = fc.record({ name: text, value: text }, { noNullPrototype: true })
    const anyMore = fc.record(
      {
        gpus: fc.integer(),
        inferences: fc.integer(),
        tokens_cached: fc.option(long),
        tokens_reasoning: fc.option(long),
        execution: fc.option(fc.constantFrom('api', 'local')),
        labels: fc.array(label, { maxLength: 10 }),
      },
      { noNullPrototype: true },
    )
    const drawn = fc.record(
      {
        event_id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
        event_text: optional,
        node_id: text,
        operator_id: optional,
        model_id: text,
        task_source: fc.constantFrom('own', 'hive', 'idle'),
        occurred_at: long,
        tokens_in: fc.integer(),
        tokens_out: fc.integer(),
        duration_ms: fc.option(fc.integer()),
        gpu_ms: fc.option(fc.integer()),
        energy_mwh: fc.option(long),
        energy_source: fc.constantFrom('none', 'meter', 'device', 'estimate'),
        cost_nano_usd: long,
        goal_id: optional,
        requester_node_id: optional,
        reservation_id: optional,
        event_source: optional,
        more: fc.option(anyMore),
      },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 5 }), (list) => {
        assert.deepEqual(
          decodeUsageEvents(usageEventsCodec.encode({ events: list }).subarray(5), true, RULES),
          list,
        )
        const before = list.map((event) => ({ ...event, event_source: null, more: null }))
        assert.deepEqual(
          decodeUsageEvents(eventsOfV1(list as UsageEvent[]).subarray(5), false, RULES),
          before,
        )
        for (const one of list) {
          const bytes = usageEventCodec.encode(one).subarray(5)
          assert.deepEqual(decodeUsageEvent(bytes, RULES), one)
          assert.throws(() => decodeUsageEvent(bytes.subarray(0, -1), RULES), NotAvro)
          assert.throws(() => decodeUsageEvent(Buffer.concat([bytes, Buffer.alloc(1)]), RULES), NotAvro)
        }
      }),
    )
  })

  it('reads an execution whose place is -1 by the rules of the record: as none until rules 4', () => {
    const bytes = usageEventCodec.encode(withExecution).subarray(5)
    const value = Buffer.from(bytes)
    // The last two bytes are the place of the execution and the end of the labels.
    value[value.length - 2] = 1
    assert.equal(decodeUsageEvent(value, 3).more?.execution, null)
    assert.throws(() => decodeUsageEvent(value, 4), NotAvro)
    assert.equal(decodeUsageEvent(bytes, 3).more?.execution, 'api')
  })

  it('never reads beyond the bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeUsageEvents(Buffer.from(bytes), bytes.length % 2 === 0, RULES)
        } catch (error) {
          assert(error instanceof NotAvro)
        }
      }),
    )
  })
})
