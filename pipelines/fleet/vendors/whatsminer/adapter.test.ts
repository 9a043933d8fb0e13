import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../../json/json-object.ts'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked, context?: JsonObject): ReadAnswers => readAnswers('whatsminer', asked, context)
const summary = (body: object): Asked => ({ summary: { SUMMARY: [body] } })
const status = (body: object): Asked => ({ status: { STATUS: 'S', Msg: body } })

describe('versions 1 and 2', () => {
  test('the machine is off where it says so, under either name, and not where its rate is 0', () => {
    const intent = (asked: Asked): unknown[] => {
      const { is_mining: isMining, mode } = read(asked).telemetry
      return [isMining, mode]
    }
    assert.deepEqual(intent(status({ mineroff: 'true', power_mode: 'normal' })), [false, 'sleep'])
    assert.deepEqual(intent(status({ btmineroff: 'true' })), [false, 'sleep'])
    assert.deepEqual(intent(status({ mineroff: 'false', power_mode: 'low' })), [true, 'low'])
    assert.deepEqual(intent(summary({ 'MHS 5s': 0, 'Power Mode': 'High' })), [null, 'high'])
    assert.deepEqual(intent(summary({ 'Power Mode': 'High', 'Upfreq Complete': 0 })), [null, 'tuning'])
    assert.deepEqual(intent(summary({ 'Power Mode': 'Whatever' })), [null, null])
  })

  test('asleep: the boards initialise, are there and not online; what is old stays what it is', () => {
    const dev = (Slot: number): object => ({
      'Factory GHS': 0,
      'Chip Frequency': 0,
      Slot,
      Status: 'Initialising',
      'Effective Chips': 0,
      'HS RT': 0,
      'MHS av': 9,
      'Chip Temp Max': 0,
    })
    const asleep = { ...summary({ Power: 14, 'MHS av': 27, 'MHS 5s': 0 }), ...status({ mineroff: true }) }
    const { telemetry, warnings } = read({ ...asleep, edevs: { DEVS: [dev(0), dev(1), dev(2)] } })
    assert.deepEqual([telemetry.power_w, telemetry.power_source, telemetry.hashrate_hs.now], [14, 'miner', 0])
    assert.deepEqual([telemetry.boards?.length, telemetry.boards_online], [3, 0])
    const [board] = telemetry.boards ?? []
    assert.deepEqual([board?.present, board?.hashrate_hs, board?.temp_chip_c], [true, 0, null])
    assert.deepEqual([board?.nominal_hs, board?.freq_mhz], [null, null])
    assert.deepEqual(warnings, [])
  })

  test('a board whose rate is only a mean since the start has none', () => {
    const { boards } = read({
      devs: { DEVS: [{ ASC: 1, Status: 'Alive', 'MHS av': 5, 'Effective Chips': 60 }] },
    }).telemetry
    assert.deepEqual(
      boards?.map((board) => [board.slot, board.hashrate_hs, board.chips]),
      [[1, null, 60]],
    )
  })

  test("the supply: hundredths of volts, milliamperes, and its watts before the summary's", () => {
    const supply = {
      get_psu: { Msg: { vin: '23050', iin: 14_100, pin: '3250', fan_speed: '6300', temp0: '44.5' } },
    }
    const { telemetry } = read({ ...summary({ Power_RT: 3_200, Power: 3_150 }), ...supply })
    assert.deepEqual([telemetry.power_w, telemetry.power_source], [3_250, 'miner_psu'])
    const [psu] = telemetry.psus ?? []
    assert.deepEqual([psu?.in_v, psu?.in_a, psu?.in_w], [230.5, 14.1, 3_250])
    assert.deepEqual([telemetry.fan_psu_rpm, telemetry.temp_c.psu], [6_300, 44.5])
    const plain = read({ ...summary({ Power: '3150' }), get_psu: { Msg: { name: 'P9' } } }).telemetry
    assert.deepEqual([plain.power_w, plain.power_source], [3_150, 'miner'])
  })

  test('0 of a rate is measured; 0 of a sensor, of a supply and of what the machine is made for says nothing', () => {
    const rates = { 'MHS 5s': 0, 'MHS 1m': 0, 'MHS 5m': '0.00', 'MHS 15m': 0, 'MHS av': 0 }
    const none = {
      'Factory GHS': 0,
      'Power Limit': 0,
      Temperature: 0,
      'Chip Temp Avg': 0,
      'Chip Temp Max': 0,
      Power: 0,
    }
    const supply = { get_psu: { Msg: { vin: 0, iin: '0', pin: 0, temp0: 0 } } }
    const { telemetry, warnings } = read({ ...summary({ ...rates, ...none, 'Env Temp': 0 }), ...supply })
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual(
      [now, telemetry.hashrate_hs['1m'], telemetry.hashrate_hs['5m'], telemetry.hashrate_hs['15m'], avg],
      [0, 0, 0, 0, 0],
    )
    assert.deepEqual([telemetry.hashrate_nominal_hs, telemetry.power_limit_w], [null, null])
    assert.deepEqual(
      Object.values(telemetry.temp_c).filter((value) => value !== null),
      [0],
    )
    assert.equal(telemetry.temp_c.ambient, 0)
    assert.deepEqual([telemetry.power_w, telemetry.power_source], [0, 'miner'])
    const [psu] = telemetry.psus ?? []
    assert.deepEqual([psu?.in_v, psu?.in_a, psu?.in_w, psu?.hotspot_c], [null, null, null, null])
    assert.deepEqual(warnings, [])
  })

  test('a machine that is cooled by a liquid has no fans', () => {
    const fans = { 'Fan Speed In': 0, 'Fan Speed Out': 0 }
    const cooled = read(summary(fans), { model: { fans: 0 } }).telemetry
    assert.deepEqual(cooled.fans, [])
    assert.deepEqual(
      read(summary(fans)).telemetry.fans?.map(({ rpm }) => rpm),
      [0, 0],
    )
    assert.equal(read(summary({})).telemetry.fans, null)
  })

  test('a version in quotes loses them', () => {
    assert.equal(read(summary({ 'Firmware Version': "'20990101.1'" })).telemetry.fw_ver, '20990101.1')
  })
})

describe('version 3', () => {
  const v3 = (parts: object, info: object = {}): Asked => ({
    'get.miner.status': { code: 0, when: 12, msg: parts },
    'get.device.info': { code: 0, msg: info },
  })

  test('it is read where it answers, and version 2 where it fails', () => {
    const old = summary({ 'MHS 5s': 81_000_000 })
    const both = read({ ...old, ...v3({ summary: { 'hash-realtime': 79.5 } }) }).telemetry
    assert.deepEqual([both.source_api, both.hashrate_hs.now], ['whatsminer-v3', 79_500_000_000_000])
    const failed = {
      'get.device.info': { code: -2, msg: 'not now' },
      'get.miner.status summary': { code: -2, msg: 'no' },
    }
    assert.equal(read({ ...old, ...failed }).telemetry.source_api, 'whatsminer-v2')
    assert.equal(
      read({ ...old, 'get.miner.status summary': '{"code":0,"msg":{"summ' }).telemetry.source_api,
      'whatsminer-v2',
    )
  })

  test('while it is idle its pools fail: they are unknown; the mean of five minutes is the last of its watts', () => {
    const asked = v3(
      { summary: { 'power-5min': 15, 'hash-average': 77 }, pools: 'ERR' },
      { miner: { working: 'false' } },
    )
    const { telemetry } = read(asked)
    assert.deepEqual([telemetry.pools, telemetry.power_w], [null, 15])
    assert.deepEqual([telemetry.mode, telemetry.is_mining], ['sleep', false])
    assert.deepEqual([telemetry.shares.accepted, telemetry.hashrate_hs['5m']], [null, null])
  })

  test('pools stand in the order of their priorities, and in that of the answer without them', () => {
    const urls = (...pools: readonly object[]): unknown =>
      read(v3({ pools })).telemetry.pools?.map(({ index, url }) => [index, url])
    const [first, second] = [
      { 'pool-priority': 1, url: 'b' },
      { 'pool-priority': 0, url: 'a' },
    ]
    assert.deepEqual(urls(first, second), [
      [0, 'a'],
      [1, 'b'],
    ])
    assert.deepEqual(urls({ url: 'c' }, { url: 'd' }), [
      [0, 'c'],
      [1, 'd'],
    ])
  })

  test('its errors are left out of a description of the miner that has none', () => {
    assert.deepEqual(read(v3({}, { miner: { type: 'M' } })).telemetry.errors, [])
    assert.equal(read(v3({}, { system: {} })).telemetry.errors, null)
  })

  test('temperatures and serial numbers stand elsewhere, by slot', () => {
    const dev = { id: 2, status: 'alive', 'effective-chips': 5, 'hash-realtime': 1 }
    const parts = { summary: { 'board-temperature': [30, 31, 32] }, edevs: [dev] }
    const { boards, temp_c: temperatures } = read(v3(parts, { miner: { pcbsn2: 'BB2' } })).telemetry
    assert.deepEqual(
      boards?.map(({ slot, serial, temp_board_c: board }) => [slot, serial, board]),
      [[2, 'BB2', 32]],
    )
    assert.equal(temperatures.board_max, 32)
  })

  test('0 of a rate is measured; 0 of a sensor and of what the machine is made for says nothing', () => {
    const rates = { 'hash-realtime': 0, 'hash-1min': 0, 'hash-15min': 0, 'hash-average': 0 }
    const none = {
      'factory-hash': 0,
      'power-limit': 0,
      'chip-temp-avg': 0,
      'chip-temp-max': 0,
      'board-temperature': [0],
    }
    const dev = {
      slot: 0,
      status: 'alive',
      'hash-realtime': 0,
      'factory-hash': 0,
      'chip-temp-max': 0,
      freq: 0,
      'effective-chips': 9,
    }
    const { telemetry } = read(
      v3({ summary: { ...rates, ...none, 'environment-temperature': 0 }, edevs: [dev] }),
    )
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual([now, telemetry.hashrate_hs['1m'], telemetry.hashrate_hs['15m'], avg], [0, 0, 0, 0])
    assert.deepEqual(
      [telemetry.hashrate_nominal_hs, telemetry.power_limit_w, telemetry.temp_c.ambient],
      [null, null, 0],
    )
    assert.deepEqual(
      [telemetry.temp_c.board_max, telemetry.temp_c.chip_avg, telemetry.temp_c.chip_max],
      [null, null, null],
    )
    const [board] = telemetry.boards ?? []
    assert.deepEqual(
      [board?.hashrate_hs, board?.nominal_hs, board?.temp_board_c, board?.temp_chip_c, board?.freq_mhz],
      [0, null, null, null, null],
    )
  })
})
