import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (stats: object, more: Asked = {}): ReadAnswers =>
  readAnswers('sealminer', { stats: { STATS: [stats] }, ...more })

test('an hour is a mean once it is over; what counts shares is never a rate', () => {
  const summary = { SUMMARY: [{ 'MHS 5s': 88, 'MHS av': 80, Elapsed: 9_000 }] }
  const hour = (stats: object, more: Asked = {}): number | null =>
    read(stats, more).telemetry.hashrate_hs['1h']
  assert.equal(hour({ Elapsed: 3_599, 'MHS(1h)': 41 }), null)
  assert.equal(hour({ Elapsed: 3_600, 'MHS(1h)': 41 }), 41_000_000)
  assert.equal(hour({ 'MHS(1h)': 41 }), null)
  assert.equal(hour({ 'MHS(1h)': 41 }, { summary }), 41_000_000)
  const { hashrate_hs: rates, uptime_s: uptimeS } = read({}, { summary }).telemetry
  assert.deepEqual([rates.now, rates.avg, uptimeS], [null, null, 9_000])
})

describe('numbers before the keys', () => {
  test('boards are what has a board’s keys, whatever the fans are numbered', () => {
    const stats = {
      '0 Online': true,
      '0 Chip Count': 63,
      '0 Bad Chip Count': 2,
      '0 Temp 0': 0,
      '0 Temp 1': 61,
      '0 Temp 2': 66,
      '1 Online': false,
      '1 Chip Count': 0,
      '2 SN': 'BRD9',
      '0 Speed': 4_100,
      '1 Speed': 0,
      '2 Speed': 4_050,
      '3 Speed': 4_000,
    }
    const { telemetry } = read({ ...stats, 'Fan Count': 3 })
    assert.deepEqual(
      telemetry.boards?.map(({ slot, present, enabled, chips, temp_board_c: board }) => [
        slot,
        present,
        enabled,
        chips,
        board,
      ]),
      [
        [0, true, true, 61, 66],
        [1, false, null, 0, null],
        [2, null, null, null, null],
      ],
    )
    assert.equal(telemetry.boards_online, null)
    assert.deepEqual(
      telemetry.fans?.map(({ rpm }) => rpm),
      [4_100, 0, 4_050],
    )
    assert.equal(read(stats).telemetry.fans?.length, 4)
    assert.deepEqual(read({ 'Fan Count': 0 }).telemetry.fans, [])
    assert.deepEqual([read({}).telemetry.fans, read({}).telemetry.boards], [null, null])
  })
})

test('parts with a number beyond the last one are not read', () => {
  const { boards, fans } = read({
    '15 Online': true,
    '16 Online': true,
    '15 Speed': 9,
    '16 Speed': 9,
  }).telemetry
  assert.deepEqual([boards?.map(({ slot }) => slot), fans?.map(({ index }) => index)], [[15], [15]])
  const sensors = read({ '0 Online': true, '0 Temp 7': 40, '0 Temp 8': 50 }).telemetry.boards
  assert.deepEqual(
    sensors?.map((board) => board.temp_board_c),
    [40],
  )
})

test('volts and amperes of 0 beside watts are no readings; without watts they are', () => {
  const supply = (stats: object): unknown[] => {
    const { psus, power_w: powerW, power_source: source } = read(stats).telemetry
    return [
      psus?.map(({ in_w: watts, in_v: volts, in_a: amperes }) => [watts, volts, amperes]),
      powerW,
      source,
    ]
  }
  const zeros = { 'PSU Input Voltage': 0, 'PSU Input Current': 0 }
  assert.deepEqual(supply({ 'PSU Input Power': 3_350, ...zeros }), [
    [[3_350, null, null]],
    3_350,
    'miner_psu',
  ])
  assert.deepEqual(supply({ 'PSU Input Power': 0, ...zeros }), [[[0, 0, 0]], 0, 'miner_psu'])
  assert.deepEqual(supply({}), [undefined, null, null])
})

test('the mode that is set, and whether the power manager runs', () => {
  const intent = (stats: object): unknown[] => {
    const { mode, is_mining: isMining } = read(stats).telemetry
    return [mode, isMining]
  }
  assert.deepEqual(intent({ 'Mining Mode': 'High Performance', 'PM State': 'Running' }), ['high', true])
  assert.deepEqual(intent({ 'Mining Mode': 'Normal', 'PM State': 'Standby' }), ['sleep', false])
  assert.deepEqual(intent({ 'Mining Mode': 'Sleep' }), ['sleep', false])
  assert.deepEqual(intent({ 'Mining Mode': 'Custom', 'PM State': 'Running' }), [null, true])
  assert.deepEqual(intent({}), [null, null])
})

test('codes of errors: 0 in any form is none; no list at all is unknown', () => {
  const codes = (stats: object): string[] | undefined =>
    read(stats).telemetry.errors?.map((error) => error.vendor_code)
  assert.deepEqual(codes({ 'PSU Error': '0x00000000', 'Error Code': '' }), [])
  assert.deepEqual(codes({ 'PSU Error': '0x00000210', 'Error Code': '2205, 2301' }), [
    'psu:0x00000210',
    '2205',
    '2301',
  ])
  assert.deepEqual(codes({ 'Error Code': 2_205 }), ['2205'])
  assert.equal(codes({}), undefined)
})

test('the web names the machine where the statistics do not', () => {
  const system = {
    macaddr: '02:00:00:00:7a:5e',
    ipaddress: '10.20.9.9',
    firmware_version: '77',
    miner_type: 'X9',
  }
  const { telemetry } = readAnswers('sealminer', { get_system_info: system }, { model: null })
  assert.deepEqual([telemetry.mac, telemetry.ip, telemetry.fw_ver], ['02:00:00:00:7A:5E', '10.20.9.9', '77'])
  assert.deepEqual([telemetry.model, telemetry.serial, telemetry.hashrate_hs.now], ['X9', null, null])
})
