import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Telemetry } from '../../telemetry.ts'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (summary: object, facts: object = {}): Telemetry =>
  readAnswers('epic', { '/summary': summary, '/capabilities': facts }).telemetry

const condition = (Index: number, Enabled: boolean, Detected = true): object => ({ Index, Enabled, Detected })
const board = (Index: number, rate: number | null): object => ({ Index, Hashrate: [rate, 99, 1] })

describe('ePIC', () => {
  test('the rate now is the sum of the boards that are enabled; one that is unknown makes it unknown', () => {
    const now = (HBs: readonly object[]): unknown =>
      read({ HBStatus: [condition(0, false), condition(1, true), condition(2, true)], HBs }).hashrate_hs.now
    assert.equal(now([board(1, 2_000_000), board(2, 1_000_000)]), 3e12)
    assert.equal(now([board(2, 1_000_000)]), null)
    assert.equal(now([board(1, null), board(2, 1_000_000)]), null)
  })

  test('boards that are disabled, and not detected', () => {
    const { boards, boards_online: online } = read({
      HBStatus: [condition(2, true), condition(0, false), condition(1, false, false)],
      HBs: [board(2, 5)],
    })
    assert.deepEqual(
      boards?.map(({ present, enabled, hashrate_hs: rate }) => [present, enabled, rate]),
      [
        [true, false, null],
        [false, false, null],
        [true, true, 5_000_000],
      ],
    )
    assert.equal(online, 1)
    assert.deepEqual(
      read({ HBs: [board(1, 5)] }).boards?.map(({ slot, present }) => [slot, present]),
      [[1, true]],
    )
    assert.equal(read({}).boards, null)
  })

  test('serial numbers are those of boards only where there is one for each', () => {
    const HBStatus = [condition(0, true), condition(1, true)]
    const serials = (list: readonly string[]): unknown =>
      read({ HBStatus }, { 'Board Serial Numbers': list }).boards?.map(({ serial }) => serial)
    assert.deepEqual(serials(['SA', 'SB']), ['SA', 'SB'])
    assert.deepEqual(serials(['SB']), [null, null])
    assert.equal(read({}, { 'Control Board Version': { cpuSerial: 'C1' } }).serial, null)
  })

  test('the intent by the operating state, but not of one that idles for want of a pool', () => {
    const intent = (state: string, more: object = {}): unknown[] => {
      const telemetry = read({
        Status: { 'Operating State': state },
        PerpetualTune: { Running: false },
        ...more,
      })
      return [telemetry.is_mining, telemetry.mode]
    }
    const ON = [
      'Mining',
      'AdjustingClockVoltage',
      'Initializing',
      'Loading',
      'PreInitCooldown',
      'Rebooting',
      'SoftRebooting',
    ]
    for (const state of ON) assert.deepEqual(intent(state), [true, 'normal'], state)
    assert.deepEqual(intent('Stopping'), [false, 'sleep'])
    assert.deepEqual(intent('Rebooting', { PerpetualTune: { Running: true } }), [true, 'tuning'])
    assert.deepEqual(intent('Idling'), [false, 'sleep'])
    assert.deepEqual(intent('Idling', { IdleOnConnectionLost: true, Stratum: { IsPoolConnected: true } }), [
      false,
      'sleep',
    ])
    assert.deepEqual(intent('Idling', { IdleOnConnectionLost: true, Stratum: { IsPoolConnected: false } }), [
      null,
      null,
    ])
    assert.deepEqual(intent('Testing'), [null, null])
  })

  test('the shares of a session are those of its pool where there is one pool', () => {
    const Session = { Accepted: 12, Rejected: 1, Difficulty: 4_096, 'Last Accepted Share Timer': 30 }
    const config = (n: number): object => ({ pool: `stratum+tcp://p${n}.example:1`, login: 'acct' })
    const one = read({
      Session,
      Stratum: { 'Config Id': 0, IsPoolConnected: true },
      StratumConfigs: [config(0)],
    })
    const [pool] = one.pools ?? []
    assert.deepEqual(
      [pool?.accepted, pool?.alive, pool?.last_share_at],
      [12, true, '2026-05-04T03:01:31.000Z'],
    )
    const two = read({ Session, Stratum: { 'Config Id': 1 }, StratumConfigs: [config(0), config(1)] })
    assert.deepEqual(
      two.pools?.map((each) => [each.active, each.accepted]),
      [
        [false, null],
        [true, null],
      ],
    )
    assert.equal(two.shares.accepted, 12)
  })

  test('0 volts and 0 amperes beside watts are not measured', () => {
    const out = { 'Output Power': 0, 'Output Voltage': 0, 'Output Current': 0 }
    const supply = { 'Input Power': 1_500, 'Input Voltage': 0, 'Input Current': 0, ...out }
    const { psus, power_w: powerW, power_source: source } = read({ 'Power Supply Stats': supply })
    assert.deepEqual([powerW, source], [1_500, 'miner'])
    assert.deepEqual(
      [psus?.[0]?.in_w, psus?.[0]?.in_v, psus?.[0]?.in_a, psus?.[0]?.out_w],
      [1_500, null, null, null],
    )
    assert.deepEqual([psus?.[0]?.out_v, psus?.[0]?.out_a], [null, null])
  })

  test('0 of a rate is measured; 0 of a sensor and of what the machine is made for says nothing', () => {
    const HBs = [
      {
        Index: 0,
        Hashrate: [0, 0, 0],
        Temperature: 0,
        'Core Clock Avg': 0,
        'Input Voltage': 0,
        'Input Power': 0,
      },
    ]
    const telemetry = read({ HBs, Session: { 'Average MHs': 0, Uptime: 0 } }, { 'Default Hashrate': 0 })
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual([now, avg, telemetry.uptime_s, telemetry.hashrate_sticker_hs], [0, 0, 0, null])
    const [board] = telemetry.boards ?? []
    assert.deepEqual(
      [board?.hashrate_hs, board?.temp_board_c, board?.freq_mhz, board?.voltage_v, board?.power_w],
      [0, null, null, null, null],
    )
  })

  test('the last error is a word, or an object under one', () => {
    const codes = (last: unknown): unknown =>
      read({ Status: { 'Last Error': last } }).errors?.map((error) => error.vendor_code)
    assert.deepEqual(codes('OurError'), ['OurError'])
    assert.deepEqual(codes({ OurOther: [1, 2] }), ['OurOther'])
    for (const none of [null, 'two words', 7, {}]) assert.deepEqual(codes(none), [])
    assert.equal(read({}).errors, null)
  })
})
