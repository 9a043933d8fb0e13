import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeInto, UsageColumns } from '../../pipelines/usage/decode.ts'
import { FRAME_BYTES, usageEventCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { EXECUTIONS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { NotAvro } from '../../services/verify/usage/decode.ts'
import { usageOf } from '../../services/verify/usage/model.ts'
import { RULES } from '../../schemas/since.ts'
import { usageEvent } from '../support/records/usage-events.ts'

/** Every field has a value, so that every kind of field is met, and each once more as null. */
const RECORDS = ['api', 'local', null]
  .map((execution) => {
    const isGiven = execution !== null
    const text = (name: string): string | null => (isGiven ? name : null)
    return usageEvent({
      event_text: text('t'),
      operator_id: text('o'),
      goal_id: text('g'),
      requester_node_id: text('r'),
      reservation_id: text('s'),
      event_source: text('u'),
      duration_ms: isGiven ? 5 : null,
      gpu_ms: isGiven ? 5 : null,
      energy_mwh: isGiven ? 5 : null,
      energy_source: isGiven ? 'meter' : 'none',
      more: {
        gpus: 1,
        inferences: 1,
        tokens_cached: isGiven ? 1 : null,
        tokens_reasoning: isGiven ? 1 : null,
        execution: execution as 'api' | 'local' | null,
        labels: isGiven ? [{ name: 'l', value: 'v' }] : [],
      },
    })
  })
  .flatMap((event) => [usageEventsCodec.encode({ events: [event] }), usageEventCodec.encode(event)])

/** A few numbers of each sign and length in Avro's encoding, among them those just outside of every enumeration and union. */
const BYTES = [...Array(16).keys(), 0x7f, 0x80, 0xff]

const columns = new UsageColumns()

/** What tells one reading of an event from another. */
type Read = Pick<UsageEvent, 'node_id' | 'occurred_at' | 'tokens_in' | 'tokens_out'> & {
  readonly execution: string | null
}

function readByTask(value: Buffer): readonly Read[] | 'malformed' {
  if (decodeInto(columns, value) !== null) return 'malformed'
  return Array.from({ length: columns.count }, (_, index) => ({
    node_id: columns.nodes.bytes(columns.node[index] ?? -1).toString(),
    occurred_at: columns.occurredAt[index] ?? Number.NaN,
    tokens_in: columns.tokensIn[index] ?? Number.NaN,
    tokens_out: columns.tokensOut[index] ?? Number.NaN,
    execution:
      columns.hasMore[index] === 1 ? (EXECUTIONS[(columns.more.execution[index] ?? 0) - 1] ?? null) : null,
  }))
}

function readByVerify(value: Buffer): readonly Read[] | 'malformed' {
  try {
    return usageOf(value, RULES).map(({ node_id, occurred_at, tokens_in, tokens_out, more }) => ({
      node_id: Buffer.from(node_id).toString(),
      occurred_at,
      tokens_in,
      tokens_out,
      execution: more?.execution ?? null,
    }))
  } catch (error) {
    if (error instanceof NotAvro) return 'malformed'
    throw error
  }
}

test('whatever byte of a record is another one, the task and verify read the same events, or both read none', () => {
  const met = { same: 0, malformed: 0 }
  for (const record of RECORDS) {
    for (let at = FRAME_BYTES; at < record.length; at++) {
      for (const byte of BYTES) {
        const value = Buffer.from(record)
        value[at] = byte
        const expected = readByVerify(value)
        // A name that is no UTF-8 is set aside by both, and they show it differently.
        if (
          expected !== 'malformed' &&
          expected.some(({ node_id }) => !node_id.isWellFormed() || node_id.includes('\ufffd'))
        )
          continue
        assert.deepEqual(readByTask(value), expected, `byte ${at} as ${byte} in ${record.toString('hex')}`)
        met[expected === 'malformed' ? 'malformed' : 'same']++
      }
    }
  }
  assert.ok(met.same > 1_000 && met.malformed > 1_000, JSON.stringify(met))
})
