import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked): ReadAnswers => readAnswers('auradine', asked)
const device = (ID: number, more: object = {}): object => ({ ID, 'MHS 5s': 5_000, Status: 'Alive', ...more })

describe('boards', () => {
  test('each answer says a part of a board; the control board is none, with or without a name', () => {
    const Temperature = [
      { ID: 0, BoardTemp: [{ Temperature: 90 }] },
      {
        ID: 2,
        Name: 'Hash Board 2',
        BoardTemp: [{ Temperature: 55 }, { Temperature: 57.5 }, { Temperature: 0 }],
        ChipTemp: null,
      },
      { ID: 9, Name: 'Control Board', BoardTemp: [{ Temperature: 91 }] },
    ]
    const { telemetry } = read({
      temperature: { Temperature },
      devs: { DEVS: [device(3, { Temperature: 51, Enabled: 'N' }), device(2, { Temperature: 11 })] },
      frequency: {
        Frequency: [{ ID: 3, ChipFrequency: [{ Frequency: 300 }, { Frequency: 0 }, { Frequency: 310 }] }],
      },
      ipreport: { IPReport: [{ HBSerialNo: ['', 'B-TWO', 'B-THREE'] }] },
    })
    assert.deepEqual(
      telemetry.boards?.map((board) => [
        board.slot,
        board.serial,
        board.temp_board_c,
        board.freq_mhz,
        board.enabled,
      ]),
      [
        [1, 'B-TWO', 57.5, null, null],
        [2, 'B-THREE', 51, 305, false],
      ],
    )
    assert.deepEqual([telemetry.temp_c.board_max, telemetry.boards_online], [57.5, 1])
    assert.equal(read({ temperature: { Temperature: [] } }).telemetry.boards, null)
  })

  test('asleep, rates of boards are those from before; a dead board is lost only while the machine is awake', () => {
    const asked = (Sleep: string): Asked => ({
      mode: { Mode: [{ Mode: 'turbo', Sleep }] },
      devs: { DEVS: [device(1), device(2, { Status: 'Dead', 'MHS 5s': 0 })] },
    })
    const awake = read(asked('off')).telemetry
    assert.deepEqual(
      awake.boards?.map(({ present, hashrate_hs: rate }) => [present, rate]),
      [
        [true, 5_000_000_000],
        [false, 0],
      ],
    )
    assert.deepEqual([awake.mode, awake.is_mining], ['high', true])
    const asleep = read(asked('on')).telemetry
    assert.deepEqual(
      asleep.boards?.map(({ present, hashrate_hs: rate }) => [present, rate]),
      [
        [true, null],
        [true, null],
      ],
    )
    assert.deepEqual([asleep.mode, asleep.is_mining, asleep.boards_online], ['sleep', false, null])
  })

  test('the count of all chips says how many a board has only where none is missing', () => {
    const chips = (AsicCount: number): unknown[] => {
      const asked = {
        devs: { DEVS: [device(1), device(2)] },
        asccount: { ASCCount: [{ AsicCount, BoardCount: 2 }] },
      }
      const { boards, chips_online: online } = read(asked).telemetry
      return [boards?.map((board) => board.chips), online]
    }
    assert.deepEqual(chips(126), [[63, 63], 126])
    assert.deepEqual(chips(124), [[null, null], null])
    assert.deepEqual(chips(0), [[null, null], null])
  })
})

describe('supplies', () => {
  const psu = (...PSU: object[]): Asked => ({ psu: { PSU } })

  test('several add up where each measures; else their sum is a lower bound', () => {
    const both = read(psu({ PowerIn: '1700.50W' }, { PowerIn: '1,699.5 W', FanSpeed1: '3900 RPM' }))
    assert.deepEqual(
      [both.telemetry.power_w, both.telemetry.power_source, both.warnings],
      [3_400, 'miner_psu', []],
    )
    assert.equal(both.telemetry.fan_psu_rpm, 3_900)
    const one = read(psu({ PowerIn: '1700.5W' }, { PowerIn: 'N/A' }))
    assert.deepEqual([one.telemetry.power_w, one.telemetry.power_lower_bound_w], [null, 1_700.5])
    assert.deepEqual(one.warnings, ['power_partial', 'unavailable_dropped:1'])
  })

  test('watts are never volts times amperes', () => {
    const { power_w: powerW, psus } = read(psu({ Vin: '240V', Iin: '14A', PowerIn: '' })).telemetry
    assert.deepEqual([powerW, psus?.[0]?.in_v, psus?.[0]?.in_a], [null, 240, 14])
    const zeros = read(psu({ PowerIn: '70W', Vin: '0.00V', Iin: '0.00A' })).telemetry.psus?.[0]
    assert.deepEqual([zeros?.in_v, zeros?.in_a], [null, null])
  })

  test('the watts of the summary where no supply measures', () => {
    const { power_w: powerW, power_source: source } = read({
      summary: { SUMMARY: [{ Wattage: 3_111 }] },
    }).telemetry
    assert.deepEqual([powerW, source], [3_111, 'miner'])
  })
})

test('a mode that is not reported is unknown, whatever the rate is', () => {
  const { telemetry } = read({ summary: { SUMMARY: [{ 'MHS 5s': 9 }] } })
  assert.deepEqual([telemetry.mode, telemetry.is_mining, telemetry.hashrate_hs.now], [null, null, 9_000_000])
  const custom = read({ mode: { Mode: [{ Mode: 'custom', Sleep: 'off', Power: 0 }] } }).telemetry
  assert.deepEqual([custom.mode, custom.is_mining, custom.power_limit_w], [null, true, null])
})

test('the lamp shows what is wrong; "well" and "where are you" are no errors', () => {
  const errors = (Code: number): unknown =>
    read({ led: { LED: [{ Code, Msg: 'as it says' }] } }).telemetry.errors?.map((error) => [
      error.vendor_code,
      error.component,
      error.message,
    ])
  assert.deepEqual(errors(6), [['led:6', 'network', 'as it says']])
  assert.deepEqual([errors(2), errors(3)], [[], []])
  assert.equal(read({}).telemetry.errors, null)
})
