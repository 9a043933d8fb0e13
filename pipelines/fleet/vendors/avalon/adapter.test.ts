import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked): ReadAnswers => readAnswers('avalon', asked)
const module = (text: string, more: object = {}): Asked => ({
  estats: { STATS: [{ 'MM ID0': text, ...more }] },
})

describe('Avalon', () => {
  test("watts are those at the wall: alone, or last of the supply's, never those at its output", () => {
    const watts = (text: string): unknown => read(module(text)).telemetry.power_w
    assert.equal(watts('PS[0 1200 1150 250 2875 1160 3010] WALLPOWER[3020]'), 3_020)
    assert.equal(watts('PS[0 1200 1150 250 2875 1160 3010]'), 3_010)
    assert.equal(watts('PS[0 1200 1150 250 2875]'), null)
    assert.equal(watts('WALLPOWER[0]'), 0)
  })

  test('idle by a command: rates of boards are old ones and chips are off, so neither is known', () => {
    const text =
      'SYSTEMSTATU[Work: In Idle, Hash Board: 1] SoftOFF[2] GHSspd[0.00] GHSavg[500.5] MGHS[500.5] PVT_T0[ 0 0]'
    const { telemetry } = read(module(text))
    assert.deepEqual([telemetry.is_mining, telemetry.mode, telemetry.status_raw], [false, 'sleep', 'In Idle'])
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.hashrate_hs.avg], [0, 500_500_000_000])
    assert.deepEqual(
      [telemetry.boards?.[0]?.hashrate_hs, telemetry.boards?.[0]?.chips, telemetry.boards_online],
      [null, null, null],
    )
  })

  test('idle and not switched off: whether that is meant is unknown', () => {
    const intent = (text: string): unknown => read(module(text)).telemetry.is_mining
    assert.equal(intent('SYSTEMSTATU[Work: In Idle, Hash Board: 3] SoftOFF[0]'), null)
    assert.equal(intent('SYSTEMSTATU[Work: In Idle, Hash Board: 3]'), false)
    assert.equal(intent('SYSTEMSTATU[Work: In Work, Hash Board: 3]'), true)
    assert.equal(intent('SoftOFF[1]'), false)
    assert.equal(intent('SoftOFF[0]'), null)
    for (const odd of ['In Work,', '<b>', 'Work: <b>,', `Work: In ${'Long '.repeat(9)},`])
      assert.equal(read(module(`SYSTEMSTATU[${odd} x]`)).telemetry.status_raw, null)
  })

  test('0 of a rate is measured; 0 of a sensor and of a limit says nothing; cgminer fills what the text leaves out', () => {
    const text = 'HBITemp[0] HBOTemp[0] TAvg[0] TMax[0] MPO[0] Temp[0] MGHS[0.00] MTmax[0]'
    const device = {
      Temperature: 0,
      'MHS 5s': 0,
      'MHS 1m': 0,
      'MHS 5m': 0,
      'MHS 15m': 0,
      'Hardware Errors': 3,
    }
    const { telemetry } = read({ ...module(text, { Elapsed: 55 }), devs: { DEVS: [device] } })
    const { now } = telemetry.hashrate_hs
    assert.deepEqual(
      [now, telemetry.hashrate_hs['1m'], telemetry.hashrate_hs['5m'], telemetry.hashrate_hs['15m']],
      [0, 0, 0, 0],
    )
    assert.deepEqual([telemetry.power_limit_w, telemetry.hw_errors, telemetry.uptime_s], [null, 3, 55])
    assert.deepEqual(
      Object.values(telemetry.temp_c).filter((value) => value !== null),
      [0],
    )
    assert.equal(telemetry.temp_c.ambient, 0)
    assert.deepEqual([telemetry.boards?.[0]?.hashrate_hs, telemetry.boards?.[0]?.present], [0, null])
  })

  test('a board without a rate and without chips is lost', () => {
    const { boards, boards_online: online } = read(
      module('MGHS[10.5 0.00 9.5] PVT_T0[40 0 41] PVT_T1[0 0 0]'),
    ).telemetry
    assert.deepEqual(
      boards?.map(({ present, chips }) => [present, chips]),
      [
        [true, 2],
        [false, 0],
        [true, null],
      ],
    )
    assert.equal(online, 2)
    assert.equal(read(module('MTmax[50] PVT_T0[0]')).telemetry.boards?.[0]?.present, null)
    assert.equal(read(module(`MGHS[${'5.5 '.repeat(300)}]`)).telemetry.boards?.length, 16)
  })

  test('home machines call the text a summary, and have their chips in another one', () => {
    const entry = {
      'MM ID0:Summary': "'STATS':{MGHS[70.5] ITemp[24] HBOTemp[51] Fan1[900] Fan2[0]}",
      HBinfo: "'HB0':{PVT_T0[50 51]}",
    }
    const { telemetry } = read({ stats: { STATS: [{ ID: 'POOL0' }, entry] } })
    assert.deepEqual(
      [telemetry.temp_c.ambient, telemetry.temp_c.outlet, telemetry.boards?.[0]?.chips],
      [24, 51, 2],
    )
    assert.deepEqual(
      telemetry.fans?.map(({ rpm }) => rpm),
      [900, 0],
    )
  })

  test('codes that are not 0 are errors', () => {
    const { errors } = read(module('ECHU[0 16] ECMM[1] PS[3 1200] FanErr[0]')).telemetry
    assert.deepEqual(
      errors?.map((error) => [error.vendor_code, error.component, error.slot]),
      [
        ['ECHU:16', 'hashboard', 1],
        ['ECMM:1', 'control_board', null],
        ['PS:3', 'psu', null],
      ],
    )
    assert.deepEqual(read(module('ECMM[0]')).telemetry.errors, [])
    assert.equal(read(module('Temp[30]')).telemetry.errors, null)
  })

  test("each answer stands alone: without the module's text the windows of cgminer remain, and its mean does not", () => {
    const device = { 'MHS 5s': 1_000_000, 'MHS 1m': 2_000_000, 'MHS av': 33_000_000, Temperature: -273 }
    const { telemetry, warnings } = read({ estats: '{"STATS":[{"MM', devs: { DEVS: [device] } })
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual([now, telemetry.hashrate_hs['1m'], avg], [1e12, 2e12, null])
    assert.deepEqual(
      [telemetry.boards, telemetry.fans, telemetry.errors, telemetry.temp_c.board_max],
      [null, null, null, null],
    )
    assert.deepEqual(warnings, ['answer_unusable:estats', 'sentinel_dropped:-273'])
  })
})
