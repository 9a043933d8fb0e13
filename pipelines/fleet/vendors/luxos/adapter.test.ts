import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Telemetry } from '../../telemetry.ts'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked): Telemetry => readAnswers('luxos', asked).telemetry
const config = (body: object): Asked => ({ config: { CONFIG: [body] } })

describe('LuxOS', () => {
  test('curtailed: the intent is no mining, whatever the tuner and the rate say', () => {
    const intent = (body: object): unknown[] => {
      const { is_mining: isMining, mode } = read(config(body))
      return [isMining, mode]
    }
    assert.deepEqual(intent({ CurtailMode: 'Sleep', IsTuning: true }), [false, 'sleep'])
    assert.deepEqual(intent({ CurtailMode: 'None', IsTuning: true }), [true, 'tuning'])
    assert.deepEqual(intent({ CurtailMode: 'None', IsTuning: false }), [true, 'normal'])
    assert.deepEqual(intent({ CurtailMode: 'Something' }), [null, null])
    assert.deepEqual(intent({}), [null, null])
  })

  test('watts of a supply that measures, and the estimate', () => {
    const source = (power: object): unknown => read({ power: { POWER: [power] } }).power_source
    assert.equal(source({ Watts: 900, PSU: true }), 'miner_psu')
    assert.equal(source({ Watts: 900, PSU: false }), 'miner_estimate')
    assert.equal(source({ Watts: 900 }), 'miner_estimate')
    assert.equal(source({ PSU: true }), null)
  })

  test('a board that a user shut down is disabled; one without chips is lost; one without statistics is as its status says', () => {
    const devs = [
      { ID: 2, Status: 'Dead', Enabled: 'Y' },
      { ID: 0, Status: 'Dead', Enabled: 'Y', IsUserShutdown: true, 'MHS 5s': 0 },
      { ID: 1, Status: 'Alive', Enabled: 'Y', 'MHS 5s': 5 },
    ]
    const { boards, boards_online: online } = read({
      devs: { DEVS: devs },
      stats: { STATS: [{ Miner: 'x' }, { Elapsed: 5, chain_acn1: 60, chain_acn3: 0, freq1: 500 }] },
    })
    assert.deepEqual(
      boards?.map(({ present, enabled, chips }) => [present, enabled, chips]),
      [
        [true, false, 60],
        [true, true, null],
        [false, true, 0],
      ],
    )
    assert.deepEqual([boards?.[0]?.freq_mhz, online], [500, 1])
    const present = (dev: object): unknown => read({ devs: { DEVS: [dev] } }).boards?.[0]?.present
    assert.equal(present({ ID: 0, Status: 'Dead' }), false)
    assert.equal(present({ ID: 0, Enabled: 'N' }), true)
    assert.equal(present({ ID: 0 }), null)
  })

  test('without labels nobody knows where the air comes in; a corner of 0 is no reading', () => {
    const TEMPS = [{ ID: 0, TopLeft: 20, TopRight: 48, BottomLeft: 0, BottomRight: 51 }]
    const label = (Label: string): object => ({ Label })
    const bare = read({ temps: { TEMPS } })
    assert.deepEqual([bare.temp_c.inlet, bare.temp_c.outlet], [null, null])
    const METADATA = [
      {
        TopLeft: label('Inlet'),
        BottomLeft: label('inlet'),
        TopRight: label('Exhaust'),
        BottomRight: label('Exhaust'),
      },
    ]
    const labelled = read({ temps: { TEMPS, METADATA } })
    assert.deepEqual([labelled.temp_c.inlet, labelled.temp_c.outlet], [20, 51])
    assert.equal(
      read({ temps: { TEMPS }, devs: { DEVS: [{ ID: 0, Temperature: 33 }] } }).boards?.[0]?.temp_board_c,
      51,
    )
  })

  test("the nominal rate is the profile's, the sticker's is apart; without a whole it is that of the boards", () => {
    const devs = {
      DEVS: [
        { ID: 0, 'Nominal MHS': 9_000_000 },
        { ID: 1, 'Nominal MHS': 8_000_000 },
      ],
    }
    const both = read({
      devs,
      stats: { STATS: [{}, { Elapsed: 1, total_rateideal: 18_000, rate_unit: 'GH' }] },
    })
    assert.equal(both.hashrate_nominal_hs, 18e12)
    assert.equal(read({ devs }).hashrate_nominal_hs, 17e12)
    assert.equal(
      read({ stats: { STATS: [{}, { Elapsed: 1, total_rateideal: 15_000 }] } }).hashrate_nominal_hs,
      15e12,
    )
    assert.equal(read(config({ NameplateTHS: 95.5 })).hashrate_sticker_hs, 95.5e12)
  })

  test('0 of a rate is measured; 0 of a sensor and of what the machine is made for says nothing', () => {
    const summary = { 'GHS 5s': 0, 'GHS 1m': 0, 'MHS 5m': 0, 'GHS 15m': 0, 'GHS 30m': 0, 'GHS av': 0 }
    const dev = { ID: 0, 'MHS 5s': 0, 'Nominal MHS': 0, Temperature: 0 }
    const telemetry = read({
      ...config({ NameplateTHS: 0 }),
      summary: { SUMMARY: [summary] },
      devs: { DEVS: [dev] },
      stats: { STATS: [{}, { Elapsed: 61, total_rateideal: 0, freq1: 0 }] },
    })
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual(
      [
        now,
        telemetry.hashrate_hs['1m'],
        telemetry.hashrate_hs['5m'],
        telemetry.hashrate_hs['15m'],
        telemetry.hashrate_hs['30m'],
        avg,
      ],
      [0, 0, 0, 0, 0, 0],
    )
    assert.deepEqual(
      [telemetry.hashrate_nominal_hs, telemetry.hashrate_sticker_hs, telemetry.uptime_s],
      [null, null, 61],
    )
    const [board] = telemetry.boards ?? []
    assert.deepEqual(
      [board?.hashrate_hs, board?.nominal_hs, board?.temp_board_c, board?.freq_mhz],
      [0, null, null, null],
    )
  })

  test('events: what they are about, the slot of a board, the time', () => {
    const EVENTS = [
      { ID: 1, Code: 'OURS_1', Target: 'BOARD', CreatedAt: '2026-05-01T02:00:00+02:00' },
      { ID: 1, Code: 'OURS_2', Target: 'FAN', CreatedAt: 'soon' },
      { Target: 'MINER' },
      { Code: 'OURS_3', Target: 'constructor' },
    ]
    const { errors } = read({ events: { EVENTS } })
    assert.deepEqual(
      errors?.map((error) => [error.vendor_code, error.component, error.slot, error.first_seen]),
      [
        ['OURS_1', 'hashboard', 1, '2026-05-01T00:00:00.000Z'],
        ['OURS_2', 'fan', null, null],
        ['OURS_3', null, null, null],
      ],
    )
    assert.equal(read(config({})).errors, null)
    const many = Array.from({ length: 300 }, (_, index) => ({ Code: `OURS_${index}` }))
    assert.equal(read({ events: { EVENTS: many } }).errors?.length, 64)
  })
})
