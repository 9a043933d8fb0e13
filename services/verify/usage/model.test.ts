import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  SCHEMA_ID,
  avroType,
  framed,
  modelsCodec,
  tickCodec,
  usageEventCodec,
} from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { RULES } from '../../../schemas/since.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import {
  FORWARDED_HEADER,
  RECEIPT_HEADER,
  RECEIPT_PROOF_HEADER,
  USAGE_BOUNDS,
  WATERMARK_DELAY_MS,
} from '../../../schemas/usage.ts'
import type { SourceRecord } from '../source.ts'
import { measuresOf } from './measures.ts'
import { UsageModel } from './model.ts'
import { WindowSums } from './sums.ts'

const NOW_MS = Date.UTC(2026, 0, 31, 23, 59, 30)

const EVENT: UsageEvent = {
  event_id: Buffer.alloc(16, 7),
  event_text: null,
  node_id: 'node-1',
  operator_id: 'operator-1',
  model_id: 'model',
  task_source: 'hive',
  occurred_at: NOW_MS,
  tokens_in: 1_000,
  tokens_out: 500,
  duration_ms: null,
  gpu_ms: null,
  energy_mwh: null,
  energy_source: 'none',
  cost_nano_usd: 5,
  goal_id: null,
  requester_node_id: null,
  reservation_id: null,
  event_source: null,
  more: null,
}

const event = (changes: Partial<UsageEvent>): UsageEvent => ({ ...EVENT, ...changes })
const id = (number: number): Buffer => Buffer.alloc(16, number)

function record(offset: number, value: Buffer | null, changes: Partial<SourceRecord> = {}): SourceRecord {
  return {
    partition: 0,
    offset: BigInt(offset),
    timestampMs: NOW_MS,
    key: null,
    value,
    headers: {},
    ...changes,
  }
}

/** A value of the first version, which all rules can read. */
const typeV1 = avroType('usage-events.v1')
const events = (...list: UsageEvent[]): Buffer =>
  framed(SCHEMA_ID.usageEventsV1, [typeV1.toBuffer({ events: list })])
const open = (): UsageModel => new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0 })

function reasonsOf(model: UsageModel, value: Buffer | null, changes: Partial<SourceRecord> = {}): string[] {
  const { setAside } = model.apply(record(0, value, changes))
  return setAside?.reasons.map(({ index, reason }) => `${index} ${reason}`) ?? []
}

describe('usage, worked out plainly', () => {
  it('takes what could not be decided as a fact: it is a letter, and counts when it comes again', () => {
    const undecided = new Map([
      [0n, new Set([1])],
      [1n, new Set([-1])],
      [2n, new Set([-1])],
    ])
    const model = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, undecided })
    const first = model.apply(record(0, events(EVENT, event({ event_id: id(2) }))))
    assert.deepEqual(first.setAside?.reasons, [{ index: 1, reason: 'cannot_be_decided' }])
    assert.equal(first.counted.length, 1)
    const whole = model.apply(record(1, events(event({ event_id: id(2) }))))
    assert.deepEqual(whole.setAside?.reasons, [{ index: -1, reason: 'cannot_be_decided' }])
    const tick = record(2, tickCodec.encode({ written_by: 'a' }), { key: Buffer.from('!tick') })
    assert.equal(model.apply(tick).setAside, null, 'never a tick')
    assert.equal(model.apply(record(3, events(event({ event_id: id(2) })))).counted.length, 1)
  })

  it('counts an event once: a repeat is nothing, another content a conflict, another node another event', () => {
    const model = open()
    const outcome = model.apply(
      record(
        0,
        events(
          EVENT,
          event({ event_text: 'other spelling' }),
          event({ tokens_in: 1 }),
          event({ node_id: 'node-2' }),
        ),
      ),
    )
    assert.deepEqual(
      outcome.counted.map(({ index }) => index),
      [0, 3],
    )
    assert.deepEqual(outcome.setAside?.reasons, [{ index: 2, reason: 'conflict' }])
    assert.deepEqual(model.apply(record(1, events(EVENT))).counted, [])
  })

  it('sets whole records aside that are not ours', () => {
    assert.deepEqual(reasonsOf(open(), null), ['-1 framing'])
    assert.deepEqual(reasonsOf(open(), Buffer.from('{"json":1}')), ['-1 framing'])
    assert.deepEqual(reasonsOf(open(), Buffer.from([0, 0, 0, 0, 99])), ['-1 unknown_schema'])
    assert.deepEqual(reasonsOf(open(), events(EVENT).subarray(0, -1)), ['-1 malformed'])
    assert.deepEqual(reasonsOf(open(), Buffer.concat([events(EVENT), Buffer.alloc(1)])), ['-1 malformed'])
    assert.deepEqual(reasonsOf(open(), tickCodec.encode({ written_by: 'test' })), [])
  })

  it('takes a record of one event from the newer rules on; before, its schema was unknown', () => {
    const since = [{ rules: RULES, offset: 1 }]
    const model = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
    const value = usageEventCodec.encode(EVENT)
    assert.deepEqual(model.apply(record(0, value)).setAside?.reasons, [
      { index: -1, reason: 'unknown_schema' },
    ])
    assert.equal(model.apply(record(1, value)).counted.length, 1)
    assert.deepEqual(model.apply(record(2, events(EVENT))).counted, [], 'it is the same event')
    assert.deepEqual(model.apply(record(3, value.subarray(0, -1))).setAside?.reasons, [
      { index: -1, reason: 'malformed' },
    ])
  })

  it('refuses an array count beyond the bytes at once', () => {
    const bomb = Buffer.from([0, 0, 0, 0, SCHEMA_ID.usageEventsV1, 0x80, 0x84, 0xaf, 0x5f])
    assert.deepEqual(reasonsOf(open(), bomb), ['-1 malformed'])
  })

  it('refuses single events and counts the others of the record', () => {
    const { ageMsMax, aheadMsMax, taskSlackMs, durationMsMax } = USAGE_BOUNDS
    const value = events(
      event({ event_id: id(1), occurred_at: NOW_MS - ageMsMax - taskSlackMs }),
      event({ event_id: id(2), occurred_at: NOW_MS - ageMsMax - taskSlackMs - 1 }),
      event({ event_id: id(3), occurred_at: NOW_MS + aheadMsMax + taskSlackMs }),
      event({ event_id: id(4), occurred_at: NOW_MS + aheadMsMax + taskSlackMs + 1 }),
      event({ event_id: id(5), gpu_ms: durationMsMax + 1 }),
      event({ event_id: id(6), energy_source: 'meter' }),
      event({ event_id: id(7), model_id: 'a\u0007' }),
      event({ event_id: id(8), goal_id: '' }),
    )
    const model = open()
    const { counted, setAside } = model.apply(record(0, value))
    assert.deepEqual(
      counted.map(({ index }) => index),
      [0, 2],
    )
    assert.deepEqual(
      setAside?.reasons.map(({ index, reason }) => `${index} ${reason}`),
      [
        '1 too_old',
        '3 in_the_future',
        '4 out_of_range',
        '5 invalid_value',
        '6 invalid_text',
        '7 invalid_text',
      ],
    )
  })

  it('refuses a node of another partition', () => {
    const partition = (partitionOfNode('node-1', 4) + 1) % 4
    const model = new UsageModel({ partition, partitions: 4, models: [], modelsVersion: 0 })
    assert.deepEqual(reasonsOf(model, events(EVENT)), ['0 wrong_partition'])
  })

  it('has an event of another partition sent on from the newer rules on, once, and not where it is said', () => {
    const partition = (partitionOfNode('node-1', 4) + 1) % 4
    const since = [{ rules: RULES, offset: 3 }]
    const notSentOn = new Map([[5n, new Set([0])]])
    const model = new UsageModel({
      partition,
      partitions: 4,
      models: [],
      modelsVersion: 0,
      since,
      notSentOn,
      topic: 'usage.metered',
      idKey: () => Buffer.alloc(32, 7),
    })
    const refused = event({ event_id: id(2), tokens_in: -1 })
    const older = model.apply(record(2, events(EVENT)))
    assert.deepEqual([older.sentOn.length, older.setAside?.reasons.length], [0, 1])
    const newer = model.apply(record(3, events(EVENT, refused)))
    assert.deepEqual(
      newer.sentOn.map(({ index, receiptMs }) => [index, receiptMs]),
      [[0, NOW_MS]],
    )
    assert.deepEqual(newer.setAside?.reasons, [{ index: 1, reason: 'out_of_range' }])
    const headers = { [FORWARDED_HEADER]: Buffer.from('1') }
    const again = model.apply(record(4, events(EVENT), { headers }))
    assert.deepEqual(
      [again.sentOn.length, again.setAside?.reasons],
      [0, [{ index: 0, reason: 'wrong_partition' }]],
    )
    const closed = model.apply(record(5, events(EVENT)))
    assert.deepEqual(closed.setAside?.reasons, [{ index: 0, reason: 'wrong_partition' }])
  })

  it('judges the age of a replayed record by its first receipt, which can only be earlier', () => {
    const old = events(event({ occurred_at: NOW_MS - USAGE_BOUNDS.ageMsMax * 2 }))
    const receipt = (atMs: number) => ({ headers: { [RECEIPT_HEADER]: Buffer.from(String(atMs)) } })
    assert.deepEqual(reasonsOf(open(), old), ['0 too_old'])
    assert.deepEqual(reasonsOf(open(), old, receipt(NOW_MS - USAGE_BOUNDS.ageMsMax)), [])
    const ahead = events(event({ occurred_at: NOW_MS + USAGE_BOUNDS.ageMsMax }))
    assert.deepEqual(reasonsOf(open(), ahead, receipt(NOW_MS + USAGE_BOUNDS.ageMsMax)), ['0 in_the_future'])
  })

  it('believes a stated receipt with its proof alone, from the offset on that the task recorded', () => {
    const idKey = Buffer.alloc(32, 7)
    const old = events(event({ occurred_at: NOW_MS - USAGE_BOUNDS.ageMsMax * 2 }))
    const receiptMs = NOW_MS - USAGE_BOUNDS.ageMsMax
    const model = (fromOffset: number): UsageModel =>
      new UsageModel({
        partition: 0,
        partitions: 1,
        models: [],
        modelsVersion: 0,
        since: [{ rules: 2, offset: fromOffset }],
        topic: 'metered',
        idKey: () => idKey,
      })
    const hash = createHash('sha256').update(old).digest('hex')
    const text = `hivemeter/receipt/1\nmetered\n${receiptMs}\n${hash}`
    const headers = {
      [RECEIPT_HEADER]: Buffer.from(String(receiptMs)),
      [RECEIPT_PROOF_HEADER]: Buffer.from(createHmac('sha256', idKey).update(text).digest('hex')),
    }
    const unproven = { headers: { [RECEIPT_HEADER]: Buffer.from(String(receiptMs)) } }
    assert.deepEqual(reasonsOf(model(0), old, { headers }), [])
    assert.deepEqual(reasonsOf(model(0), old, unproven), ['0 too_old'])
    assert.deepEqual(reasonsOf(model(1), old, unproven), [])
    const others = { ...headers, [RECEIPT_HEADER]: Buffer.from(String(receiptMs - 1)) }
    assert.deepEqual(reasonsOf(model(0), old, { headers: others }), ['0 too_old'])
  })

  it('calls an event late when the watermark, its own record included, is at its window end', () => {
    const occurredAt = Date.UTC(2026, 0, 31, 23, 50)
    const lateAt = (receiptMs: number): boolean | undefined =>
      open()
        .apply(record(0, events(event({ occurred_at: occurredAt })), { timestampMs: receiptMs }))
        .counted.at(0)?.late
    const endMs = occurredAt + 60_000 + WATERMARK_DELAY_MS
    assert.equal(lateAt(endMs - 1), false)
    assert.equal(lateAt(endMs), true)
  })

  it('never lets the watermark fall', () => {
    const model = open()
    model.apply(record(0, tickCodec.encode({ written_by: 'x' })))
    model.apply(record(1, tickCodec.encode({ written_by: 'x' }), { timestampMs: NOW_MS - 1_000 }))
    assert.equal(model.watermarkMs, NOW_MS - WATERMARK_DELAY_MS)
  })

  it('uses the models from their record on, never a lower version', () => {
    const model = open()
    const table = (version: number, tdp_watts: number) =>
      modelsCodec.encode({ version, models: [{ model_id: 'model', paid_api: true, tdp_watts }] })
    const estimate = (number: number): (number | undefined)[] => {
      const [counted] = model.apply(record(number, events(event({ event_id: id(number) })))).counted
      return [counted?.energy_mwh_estimated, counted?.energy_mwh_compatible, counted?.modelsVersion]
    }
    assert.deepEqual(estimate(1), [71, 71, 0])
    model.apply(record(2, table(2, 3_600)))
    assert.deepEqual(estimate(3), [1_500, 1_000, 2])
    model.apply(record(4, table(1, 1)))
    assert.deepEqual(estimate(5), [1_500, 1_000, 2])
  })

  it('knows one table of models from the newer rules on, and takes no record for another', () => {
    const since = [{ rules: RULES, offset: 3 }]
    const model = new UsageModel({ partition: 0, partitions: 1, models: [], modelsVersion: 0, since })
    const table = modelsCodec.encode({
      version: 7,
      models: [{ model_id: 'claude', paid_api: false, tdp_watts: 9 }],
    })
    const claude = (number: number) => {
      const call = event({ event_id: id(number), model_id: 'claude' })
      const [counted] = model.apply(record(number, events(call))).counted
      return [counted?.modelsVersion, counted?.energy_mwh_compatible]
    }
    assert.equal(model.apply(record(1, table)).setAside, null)
    assert.equal(claude(2)[0], 7)
    assert.deepEqual(claude(3), [1, 1_000])
    assert.deepEqual(model.apply(record(4, table)).setAside?.reasons, [
      { index: -1, reason: 'unknown_schema' },
    ])
    assert.deepEqual(claude(5), [1, 1_000])
  })

  it('keeps measured and estimated apart', () => {
    const given = event({ gpu_ms: 3_600, energy_mwh: 9, energy_source: 'meter' })
    assert.deepEqual(measuresOf(given, undefined, true), {
      gpu_ms_measured: 3_600,
      gpu_ms_estimated: 0,
      gpu_ms_paid_estimated: 0,
      energy_mwh_measured: 9,
      energy_mwh_estimated: 0,
      energy_mwh_compatible: 9,
    })
    const guessed = event({ gpu_ms: 3_600, energy_mwh: 9, energy_source: 'estimate' })
    assert.equal(measuresOf(guessed, undefined, true).energy_mwh_estimated, 9)
    // 170 W for 180 ms are 8.5 mWh: half to even.
    assert.equal(measuresOf(event({ gpu_ms: 180 }), undefined, true).energy_mwh_estimated, 8)
    assert.equal(measuresOf(event({ gpu_ms: 540 }), undefined, true).energy_mwh_estimated, 26)
  })

  it('adds up per window, over any split of the records', () => {
    const list = fc.array(fc.record({ at: fc.nat(3_600_000), tokens: fc.nat(9), own: fc.boolean() }), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 9 }), (drawn, size) => {
        const all = drawn.map(({ at, tokens, own }, index) =>
          event({
            event_id: id(index),
            occurred_at: NOW_MS - at,
            tokens_in: tokens,
            task_source: own ? 'own' : 'hive',
          }),
        )
        const sum = (parts: UsageEvent[][]): unknown => {
          const [model, windows] = [open(), new WindowSums(900_000)]
          for (const [at, part] of parts.entries()) {
            for (const counted of model.apply(record(at, events(...part))).counted) windows.add(counted)
          }
          return [...windows.rows].sort(([left], [right]) => (left < right ? -1 : 1))
        }
        const split = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
          all.slice(at * size, (at + 1) * size),
        )
        assert.deepEqual(sum(split), sum([all]))
      }),
    )
  })
})
