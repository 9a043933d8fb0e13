import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  avroType,
  FRAME_BYTES,
  framed as framedAs,
  SCHEMA_ID,
  usageEventCodec,
  usageEventsCodec,
} from '../../schemas/avro.ts'
import { ENERGY_SOURCES, EXECUTIONS, TASK_SOURCES } from '../../schemas/usage.ts'
import type { UsageEvent, UsageMore } from '../../schemas/usage.ts'
import { anyUsageEvent, usageEvent } from '../../test/support/records/usage-events.ts'
import { decodeInto, UsageColumns } from './decode.ts'

// One set of columns is used for all: what one record left must not be visible in the next.
const columns = new UsageColumns()

const HEAD = Buffer.from([0, 0, 0, 0, SCHEMA_ID.usageEvents])
const long = (value: bigint): Buffer => {
  const out: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  out.push(Number(rest))
  return Buffer.from(out)
}

/** The Avro bytes of the events alone, without framing, count and end. */
function bodyOf(events: readonly UsageEvent[]): Buffer {
  const framed = usageEventsCodec.encode({ events: [...events] })
  const start = FRAME_BYTES + (events.length === 0 ? 0 : long(BigInt(events.length)).length)
  return framed.subarray(start, -1)
}

function textOf(column: { start: Int32Array; end: Int32Array }, index: number): string | null {
  const start = column.start[index] ?? 0
  return start < 0 ? null : columns.bytes.toString('utf8', start, column.end[index])
}

function moreAt(index: number): UsageMore | null {
  if (columns.hasMore[index] === 0) return null
  const { more, bytes } = columns
  const nullable = (value = Number.NaN): number | null => (value < 0 ? null : value)
  return {
    gpus: more.gpus[index] ?? Number.NaN,
    inferences: more.inferences[index] ?? Number.NaN,
    tokens_cached: nullable(more.tokensCached[index]),
    tokens_reasoning: nullable(more.tokensReasoning[index]),
    execution: EXECUTIONS[(more.execution[index] ?? 0) - 1] ?? null,
    labels: (more.labels[index] ?? []).map(({ nameStart, nameEnd, valueStart, valueEnd }) => ({
      name: bytes.toString('utf8', nameStart, nameEnd),
      value: bytes.toString('utf8', valueStart, valueEnd),
    })),
  }
}

/** The event that is in the columns. */
function eventAt(index: number): UsageEvent {
  const number = (column: ArrayLike<number>): number => column[index] ?? Number.NaN
  const nullable = (column: ArrayLike<number>): number | null => (number(column) < 0 ? null : number(column))
  const idStart = number(columns.idStart)
  const operator = number(columns.operator)
  return {
    event_id: Buffer.from(columns.bytes.subarray(idStart, idStart + 16)),
    event_text: textOf(columns.eventText, index),
    node_id: columns.nodes.text(number(columns.node)),
    operator_id: operator < 0 ? null : columns.operators.text(operator),
    model_id: columns.models.text(number(columns.model)),
    task_source: TASK_SOURCES[number(columns.taskSource)] ?? 'own',
    occurred_at: number(columns.occurredAt),
    tokens_in: number(columns.tokensIn),
    tokens_out: number(columns.tokensOut),
    duration_ms: nullable(columns.durationMs),
    gpu_ms: nullable(columns.gpuMs),
    energy_mwh: nullable(columns.energyMwh),
    energy_source: ENERGY_SOURCES[number(columns.energySource)] ?? 'none',
    cost_nano_usd: number(columns.costNanoUsd),
    goal_id: textOf(columns.goal, index),
    requester_node_id: textOf(columns.requester, index),
    reservation_id: textOf(columns.reservation, index),
    event_source: textOf(columns.eventSource, index),
    more: moreAt(index),
  }
}

/** Events that the first version can express. */
const eventOfV1: fc.Arbitrary<UsageEvent> = anyUsageEvent.map((event) => ({
  ...event,
  tokens_in: event.tokens_in % 2 ** 31,
  tokens_out: event.tokens_out % 2 ** 31,
  more: null,
}))

/** The same events as producers of the first version write them: without sources. */
function encodeV1(events: readonly UsageEvent[]): Buffer {
  return framedAs(SCHEMA_ID.usageEventsV1, [avroType('usage-events.v1').toBuffer({ events })])
}

/** The event as avsc decodes it, without the classes that avsc creates. */
function plainEvent(event: UsageEvent): UsageEvent {
  const { more } = event
  if (more === null) return { ...event }
  return { ...event, more: { ...more, labels: more.labels.map(({ name, value }) => ({ name, value })) } }
}

function decoded(): UsageEvent[] {
  return Array.from({ length: columns.count }, (_, index) => eventAt(index))
}

test('the columns hold what avsc decodes', () => {
  fc.assert(
    fc.property(fc.array(anyUsageEvent, { maxLength: 12 }), (events) => {
      const framed = usageEventsCodec.encode({ events })
      columns.decode(framed)
      assert.deepEqual(columns.problems, [])
      assert.deepEqual(decoded(), events)
      const { events: byAvsc } = usageEventsCodec.decode(framed)
      for (const [index, event] of byAvsc.entries()) assert.deepEqual(plainEvent(event), eventAt(index))
    }),
    { numRuns: 200 },
  )
})

test('records of version 1 are read as well, and have no sources', () => {
  fc.assert(
    fc.property(fc.array(eventOfV1, { maxLength: 5 }), fc.boolean(), (events, between) => {
      // What a record of today left must not be visible.
      if (between) columns.decode(usageEventsCodec.encode({ events }))
      columns.decode(encodeV1(events))
      assert.deepEqual(columns.problems, [])
      assert.deepEqual(
        decoded(),
        events.map((event) => ({ ...event, event_source: null, more: null })),
      )
    }),
    { numRuns: 100 },
  )
})

test('the content of an event is the same bytes in both versions, whatever its source', () => {
  const contentOf = (value: Buffer): Buffer => {
    columns.decode(value)
    return Buffer.from(columns.bytes.subarray(columns.contentStart[0], columns.contentEnd[0]))
  }
  fc.assert(
    fc.property(eventOfV1, (event) => {
      assert.deepEqual(contentOf(usageEventsCodec.encode({ events: [event] })), contentOf(encodeV1([event])))
    }),
    { numRuns: 100 },
  )
})

test('a record of one event holds the bytes of one in an array, and reads as such', () => {
  fc.assert(
    fc.property(anyUsageEvent, (event) => {
      const framed = usageEventCodec.encode(event)
      assert.deepEqual(framed.subarray(FRAME_BYTES), bodyOf([event]))
      columns.decode(framed)
      assert.deepEqual(columns.problems, [])
      assert.deepEqual(decoded(), [event])
      assert.deepEqual([columns.isPacked, columns.eventEnd[0]], [false, framed.length])
    }),
  )
  const framed = usageEventCodec.encode(usageEvent())
  for (const torn of [framed.subarray(0, -1), Buffer.concat([framed, Buffer.alloc(1)])]) {
    assert.equal(decodeInto(columns, torn)?.code, 'malformed')
  }
  assert.equal(decodeInto(columns, usageEventsCodec.encode({ events: [] })), null)
  assert.equal(columns.isPacked, true)
})

test('numbers that an array cannot hold are out of range in a record of one event', () => {
  for (const field of ['tokens_in', 'tokens_out', 'duration_ms', 'gpu_ms'] as const) {
    columns.decode(usageEventCodec.encode(usageEvent({ [field]: 2 ** 40 })))
    assert.deepEqual(columns.problems, [{ index: 0, code: 'out_of_range', detail: field }])
  }
})

test('an array may come in several blocks, with negative counts and their sizes', () => {
  const blocks = fc.array(
    fc.record({ events: fc.array(anyUsageEvent, { minLength: 1, maxLength: 4 }), sized: fc.boolean() }),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(blocks, (parts) => {
      const framed = Buffer.concat([
        HEAD,
        ...parts.flatMap(({ events, sized }) => {
          const body = bodyOf(events)
          const count = BigInt(events.length)
          return sized ? [long(-count), long(BigInt(body.length)), body] : [long(count), body]
        }),
        long(0n),
      ])
      columns.decode(framed)
      assert.deepEqual(
        decoded(),
        parts.flatMap(({ events }) => events),
      )
      assert.equal(usageEventsCodec.decode(framed).events.length, columns.count)
    }),
    { numRuns: 100 },
  )
})

test('the content of an event is all but its id and text: it begins at the node and ends with the event', () => {
  const events = [usageEvent({ event_text: 'x' }), usageEvent({ goal_id: 'g', reservation_id: 'r' })]
  columns.decode(usageEventsCodec.encode({ events }))
  // One byte says that there is no source, and one that there is no `more`.
  assert.equal(columns.contentEnd[0], (columns.idStart[1] ?? 0) - 2)
  assert.equal(columns.contentEnd[1], columns.bytes.length - 3)
  const contents = [0, 1].map((index) =>
    columns.bytes.subarray(columns.contentStart[index], columns.contentEnd[index]),
  )
  columns.decode(usageEventsCodec.encode({ events: [usageEvent({ event_id: Buffer.alloc(16, 9) })] }))
  assert.deepEqual(columns.bytes.subarray(columns.contentStart[0], columns.contentEnd[0]), contents[0])
  assert.notDeepEqual(contents[1], contents[0])
})

test('the same strings have the same numbers over records, until they are forgotten', () => {
  const framed = usageEventsCodec.encode({ events: [usageEvent({ node_id: 'a' }), usageEvent()] })
  columns.forget()
  columns.decode(framed)
  assert.deepEqual([columns.node[0], columns.node[1], columns.model[1]], [0, 1, 0])
  columns.decode(usageEventsCodec.encode({ events: [usageEvent()] }))
  assert.equal(columns.node[0], 1)
  columns.forget()
  columns.decode(usageEventsCodec.encode({ events: [usageEvent()] }))
  assert.equal(columns.node[0], 0)
  assert.equal(columns.nodes.size, 1)
})

test('a record that is none is one problem of the whole record', () => {
  assert.deepEqual(decodeInto(columns, Buffer.concat([HEAD, long(2n)])), {
    index: -1,
    code: 'malformed',
    detail: 'an array of 2 events cannot stand in 0 bytes',
  })
  assert.equal(decodeInto(columns, Buffer.concat([HEAD, long(0n)])), null)
  assert.equal(columns.count, 0)
})
