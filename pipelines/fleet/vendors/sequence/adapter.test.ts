import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalise } from '../../normalise.ts'
import type { Normalised } from '../../normalise.ts'
import { readPoll } from '../../poll.ts'
import { GAP_INTERVALS, UPTIME_SLACK_S } from './adapter.ts'

type Series = Extract<Normalised, { readonly deltas: unknown }>

interface Sent {
  readonly atS: number
  readonly uptimeS?: number | null
  readonly accepted?: number | null
  readonly meterWh?: number | null
}

const START_MS = Date.UTC(2026, 4, 4)

function read(...samples: readonly Sent[]): Series {
  const body = samples.map(({ atS, uptimeS, accepted, meterWh }) => ({
    event_id: `at-${atS}`,
    observed_at: new Date(START_MS + atS * 1_000).toISOString(),
    uptime_s: uptimeS,
    accepted,
    energy_wh_total: meterWh,
  }))
  return readBody(body)
}

function readBody(body: unknown): Series {
  const poll = readPoll({
    adapter: 'sequence',
    collected_at: '2026-05-04T03:02:01Z',
    answers: [{ request: 'samples', body }],
  })
  assert.ok(!('problem' in poll))
  const outcome = normalise(poll)
  assert.ok(outcome !== 'unsupported' && 'deltas' in outcome)
  return outcome
}

const accepted = ({ deltas }: Series): (number | null)[] => deltas.map((delta) => delta.accepted)
const energy = ({ deltas }: Series): (number | null)[] => deltas.map((delta) => delta.energy_wh)

test(`a restart is uptime that stays more than ${UPTIME_SLACK_S} s behind the clock`, () => {
  const after = (uptimeS: number): Series =>
    read({ atS: 0, uptimeS: 1_000, accepted: 50 }, { atS: 60, uptimeS, accepted: 70 })
  assert.deepEqual(accepted(after(1_060 - UPTIME_SLACK_S)), [null, 20])
  const restarted = after(1_060 - UPTIME_SLACK_S - 1)
  assert.deepEqual(accepted(restarted), [null, 70])
  assert.equal(restarted.totals.restarts, 1)
})

test('a fall is a wrap only from above 2^31 and while uptime grew; any other is unknown, with a new baseline', () => {
  const step = (from: number, to: number, uptimeS: number | null): Series =>
    read(
      { atS: 0, uptimeS: 100, accepted: from },
      { atS: 30, uptimeS, accepted: to },
      { atS: 60, uptimeS: 160, accepted: to + 7 },
    )
  const wrapped = step(2 ** 32 - 5, 3, 130)
  assert.deepEqual([accepted(wrapped), wrapped.warnings], [[null, 8, 7], []])
  for (const fallen of [step(2 ** 31, 3, 130), step(2 ** 32 - 5, 3, null), step(2 ** 33, 3, 130)])
    assert.deepEqual([accepted(fallen), fallen.warnings], [[null, null, 7], ['counter_decreased:accepted']])
})

test('a restart counts for the next value, also where the first sample after it has none', () => {
  const series = read(
    { atS: 0, uptimeS: 900, accepted: 50 },
    { atS: 30, uptimeS: 10, accepted: null },
    { atS: 60, uptimeS: 40, accepted: 60 },
  )
  assert.deepEqual(accepted(series), [null, null, 60])
})

test('a meter that fell and comes back gives no more than it counted', () => {
  const meter = (...values: (number | null)[]): Series =>
    read(...values.map((meterWh, index) => ({ atS: 30 * index, meterWh })))
  const back = meter(900, 0, 0, 940)
  assert.deepEqual(
    [energy(back), back.totals.energy_wh, back.warnings],
    [[null, null, 0, 40], 40, ['meter_reset']],
  )
  const partly = meter(900, 2, 12, 940)
  assert.deepEqual([energy(partly), partly.totals.energy_wh], [[null, null, 10, 30], 40])
  assert.deepEqual(energy(meter(900, 2, 12, null, 20)), [null, null, 10, null, 8])
})

test(`a step of more than ${GAP_INTERVALS} usual ones is a gap`, () => {
  const steps = (last: number): readonly string[] =>
    read({ atS: 0 }, { atS: 30 }, { atS: 60 }, { atS: 60 + last }).warnings
  assert.deepEqual(steps(30 * GAP_INTERVALS), [])
  assert.deepEqual(steps(30 * GAP_INTERVALS + 1), ['gap:76s'])
})

test('nothing known is null, not 0', () => {
  assert.deepEqual(read({ atS: 0 }, { atS: 30 }).totals, {
    accepted: null,
    diff_accepted: null,
    energy_wh: null,
    restarts: 0,
    repeats: 0,
    late: 0,
  })
  for (const body of [[], {}, 'text', [{ accepted: 5 }, 7, { observed_at: 'yesterday' }]])
    assert.deepEqual(readBody(body).deltas, [])
})
