import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (data: object, model?: object | null): ReadAnswers =>
  readAnswers('iceriver', { 'userpanel post=4': { error: 0, data } }, model === undefined ? {} : { model })

describe('rates of the user panel', () => {
  test('its own letter holds, then the unit that the panel names; without either it is no rate', () => {
    const now = (data: object): number | null => read(data).telemetry.hashrate_hs.now
    assert.equal(now({ rtpow: '7.25T', unit: 'G' }), 7_250_000_000_000)
    assert.equal(now({ rtpow: '7,25 TH/s' }), 7_250_000_000_000)
    assert.equal(now({ rtpow: '153.5', unit: 'G' }), 153_500_000_000)
    assert.equal(now({ rtpow: 153.5, unit: 'G' }), 153_500_000_000)
    assert.equal(now({ rtpow: 153.5 }), null)
    assert.equal(now({ rtpow: '0.00G' }), 0)
    assert.equal(read({ rtpow: '7.25T' }, null).telemetry.hashrate_hs.now, null)
  })

  test('what the boards are made for is a sum only where each of them says it', () => {
    const nominal = (...ideal: unknown[]): number | null =>
      read({ boards: ideal.map((idealpow, at) => ({ no: at + 1, idealpow })) }).telemetry.hashrate_nominal_hs
    assert.equal(nominal('400G', '400.5G'), 800_500_000_000)
    assert.equal(nominal('400G', undefined), null)
    assert.equal(nominal('400G', '0G'), null)
    assert.equal(read({}).telemetry.hashrate_nominal_hs, null)
  })
})

describe('boards', () => {
  test('one without chips is lost; one that says nothing is unknown, and so is how many there are', () => {
    const boards = [
      { no: 3, chipnum: 0, rtpow: '0G' },
      { no: 1, chipnum: 40, rtpow: '401.5G', pcbtemp: '61', intmp: 40, outtmp: 70.5 },
      { no: 2, rtpow: '399G', intmp: 38.5, outtmp: 69 },
    ]
    const { telemetry } = read({ boards })
    assert.deepEqual(
      telemetry.boards?.map(({ slot, present, temp_board_c: board }) => [slot, present, board]),
      [
        [0, true, 61],
        [1, true, null],
        [2, false, null],
      ],
    )
    assert.deepEqual([telemetry.boards_online, telemetry.chips_online], [2, null])
    assert.deepEqual(
      [telemetry.temp_c.inlet, telemetry.temp_c.outlet, telemetry.temp_c.board_max],
      [38.5, 70.5, 61],
    )
    const unknown = read({ boards: [{ no: 1 }, { no: 2, chipnum: 40 }] }).telemetry
    assert.deepEqual([unknown.boards?.[0]?.present, unknown.boards_online], [null, null])
  })

  test('connectors without a fan beyond the model’s number are none', () => {
    assert.deepEqual(
      read({ fans: [0, 5_100, 0, 0] }).telemetry.fans?.map(({ rpm }) => rpm),
      [0, 5_100],
    )
    assert.equal(read({}).telemetry.fans, null)
  })
})

describe('alarms and intent', () => {
  test('a flag that is false is an alarm; an alarm is no intent', () => {
    const { telemetry } = read({
      online: true,
      powstate: false,
      netstate: 1,
      fanstate: 'false',
      boards: [
        { no: 2, state: false },
        { no: 1, state: true },
      ],
    })
    assert.deepEqual(
      telemetry.errors?.map(({ vendor_code: code, component, slot }) => [code, component, slot]),
      [
        ['powstate', 'device', null],
        ['fanstate', 'fan', null],
        ['board:2', 'hashboard', 1],
      ],
    )
    assert.equal(telemetry.is_mining, true)
    assert.equal(read({ online: false }).telemetry.is_mining, false)
    assert.deepEqual([read({}).telemetry.errors, read({}).telemetry.is_mining], [null, null])
  })

  test('the clock is read in UTC only, and one that was never set is none', () => {
    const clock = (refTime: string): unknown[] => {
      const { telemetry, warnings } = read({ refTime })
      return [telemetry.device_time, warnings]
    }
    assert.deepEqual(clock('2026-05-04 03:01:59 UTC'), ['2026-05-04T03:01:59.000Z', []])
    assert.deepEqual(clock('2026-05-04 03:01:59 CST'), [null, []])
    assert.deepEqual(clock('1970-01-01 00:07:12 UTC'), [null, ['device_clock_unset']])
  })
})

test('pools: from 1, exact difficulty before the shortened one, and no password anywhere', () => {
  const pool = {
    addr: 'stratum+tcp://p.example:7',
    user: 'acct',
    pass: 'x1y2z3',
    connect: true,
    state: 1,
    accepted: 3,
  }
  const pools = [
    { ...pool, no: 2, lsdiff: 0, diff: '2.5G', lstime: '0' },
    { ...pool, no: 1, lsdiff: 4_096, diff: '4K', lstime: '00:01:01' },
    { no: 3, addr: '', user: '', pass: 'x1y2z3', accepted: 0, rejected: 0 },
  ]
  const outcome = read({ pools })
  assert.deepEqual(
    outcome.telemetry.pools?.map((one) => [one.index, one.difficulty, one.last_share_at]),
    [
      [0, 4_096, '2026-05-04T03:01:00.000Z'],
      [1, 2_500_000_000, null],
    ],
  )
  assert.ok(!JSON.stringify(outcome).includes('x1y2z3'))
})
