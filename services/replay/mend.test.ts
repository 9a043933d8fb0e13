import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { usageEventsCodec } from '../../schemas/avro.ts'
import { identityOf } from '../../schemas/identity.ts'
import { parseEventId } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { editableLines } from './editable.ts'
import type { Letter, LetterProblem } from './letters.ts'
import { judgeLetter, judgeLine, readMended } from './mend.ts'

const RECEIPT_MS = Date.UTC(2026, 0, 31, 12)

const EVENT: UsageEvent = {
  event_id: Buffer.alloc(16, 1),
  event_text: null,
  node_id: 'node-1',
  operator_id: 'operator-1',
  model_id: 'model',
  task_source: 'hive',
  occurred_at: RECEIPT_MS - 1_000,
  tokens_in: 10,
  tokens_out: 20,
  duration_ms: null,
  gpu_ms: 5,
  energy_mwh: 7,
  energy_source: 'meter',
  cost_nano_usd: 290_000_000,
  goal_id: null,
  requester_node_id: null,
  reservation_id: 'reservation',
  event_source: null,
  more: null,
}

function letter(value: Buffer | null, ...problems: LetterProblem[]): Letter {
  return { id: 'usage.metered/0/5', topic: 'usage.metered', receiptMs: RECEIPT_MS, value, problems }
}

const events = (...list: Partial<UsageEvent>[]): Buffer =>
  usageEventsCodec.encode({ events: list.map((changes) => Object.assign({}, EVENT, changes)) })

const problem = (index: number, reason = 'wrong_partition'): LetterProblem => ({ index, reason, detail: 'x' })

const fileOf = (lines: readonly unknown[]): Buffer =>
  Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'))

describe('dead letters', () => {
  it('are judged anew, the refused events alone', () => {
    const value = events(
      {},
      { event_id: Buffer.alloc(16, 2) },
      { event_id: Buffer.alloc(16, 3), goal_id: '' },
    )
    const judged = judgeLetter(letter(value, problem(1), problem(2, 'invalid_text')))
    assert.deepEqual(
      judged.map((one) => ('event' in one ? one.event.event_id[0] : one.refused.split(':')[0])),
      [2, 'invalid_id /goal_id'],
    )
  })

  it('come back from a file as they were written into it', () => {
    for (const changes of [
      {},
      { event_text: 'free text ü', event_id: parseEventId('free text ü')?.bytes ?? EVENT.event_id },
      {
        event_text: 'order 17',
        event_id: parseEventId('order 17')?.bytes ?? EVENT.event_id,
        event_source: '/shop',
      },
      { energy_mwh: null, energy_source: 'none' as const, cost_nano_usd: 1, gpu_ms: null, operator_id: null },
    ]) {
      const before = letter(events(changes), problem(0))
      const [line] = readMended(fileOf(editableLines(before)))
      assert(line !== undefined)
      const [judged] = judgeLine(line, before)
      assert(judged !== undefined && 'event' in judged, JSON.stringify(judged))
      assert.deepEqual(judged.event, { ...EVENT, ...changes })
    }
  })

  it('are who their texts say, whatever bytes a producer put beside them', () => {
    for (const event_text of ['order 17', '01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
      const [judged] = judgeLetter(letter(events({ event_text, event_source: '/shop' }), problem(0)))
      assert(judged !== undefined && 'event' in judged, JSON.stringify(judged))
      const sent = { ...EVENT, event_text, event_source: '/shop' }
      assert.deepEqual(identityOf(judged.event), identityOf(sent))
    }
    // A text that no event may have is refused again, and not replaced by the bytes.
    const [refused] = judgeLetter(letter(events({ event_text: 'a\n' }), problem(0, 'invalid_text')))
    assert.match(JSON.stringify(refused), /invalid_text \/event_id/)
  })

  it('are judged by their own receipt, not by today', () => {
    const oldest = RECEIPT_MS - USAGE_BOUNDS.ageMsMax
    const judge = (occurred_at: number) => judgeLetter(letter(events({ occurred_at }), problem(0)))[0]
    assert(judge(oldest)?.name === 'usage.metered/0/5 event 0' && 'event' in (judge(oldest) ?? {}))
    assert.match(JSON.stringify(judge(oldest - 1)), /too_old/)
  })

  it('of bytes that are not ours are mended as bytes or as an event', () => {
    const broken = letter(Buffer.from('nonsense'), problem(-1, 'framing'))
    const [exported] = editableLines(broken)
    assert.equal(exported?.value_base64, Buffer.from('nonsense').toString('base64'))
    assert.deepEqual(judgeLetter(broken), [{ refused: 'framing: x', name: broken.id }])

    const bytes = { ...exported, value_base64: events({}, { node_id: 'node-2' }).toString('base64') }
    const item = { event_id: 'a', node_id: 'n', model_id: 'm', task_source: 'own', occurred_at: RECEIPT_MS }
    const judged = readMended(fileOf([bytes, { letter: broken.id, event: item }, exported])).flatMap((line) =>
      judgeLine(line, broken),
    )
    assert.deepEqual(
      judged.map((one) => ('event' in one ? one.event.node_id : one.refused)),
      ['node-1', 'node-2', 'n', 'the bytes are no usage events, and no event is given'],
    )
  })

  it('read the digits of a mended cost, and round them as the gateway does', () => {
    const line = (cost: string) =>
      `{"letter":"l","event":{"event_id":"a","node_id":"n","model_id":"m","task_source":"own","occurred_at":${RECEIPT_MS},"actual_usd_cost":${cost}}}`
    const judge = (cost: string) => {
      const [read] = readMended(Buffer.from(line(cost)))
      assert(read !== undefined)
      const [judged] = judgeLine(read, letter(null))
      assert(judged !== undefined)
      return 'event' in judged ? judged.event.cost_nano_usd : judged.refused.split(' ')[0]
    }
    assert.equal(judge('0.2900000000000000000'), 290_000_000)
    assert.equal(judge('0.29000000050000000001'), 290_000_001)
    assert.equal(judge('1000000.0000000001'), 'out_of_range')
  })

  it('of a file that is none of ours are refused with the line', () => {
    assert.throws(() => readMended(Buffer.from('{"letter":"a"}\n\n[1]\n')), /^Error: Line 3 is no object/)
    assert.throws(() => readMended(Buffer.from('{')), /^Error: Line 1 cannot be read/)
    assert.throws(
      () => readMended(Buffer.from('{"letter":"a","letter":"b"}')),
      /^Error: Line 1: \/letter Stands twice/,
    )
  })
})
