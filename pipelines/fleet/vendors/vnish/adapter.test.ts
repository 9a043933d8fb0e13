import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../../json/json-object.ts'
import { TEST_MODEL, readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked, context?: JsonObject): ReadAnswers => readAnswers('vnish', asked, context)
const summary = (miner: object): Asked => ({ '/api/v1/summary': { miner } })
const chains = (...list: readonly object[]): Asked => summary({ chains: list })

describe('VNish', () => {
  test("the unit of rates is the answer's, and the model record's before it", () => {
    const asked = { ...summary({ hr_realtime: 9_500 }), '/api/v1/info': { hr_measure: 'MH/s' } }
    assert.equal(read(asked).telemetry.hashrate_hs.now, 9_500_000_000)
    const silent = read(summary({ hr_realtime: 9_500 }), { model: { ...TEST_MODEL, label_unit: 'MH' } })
    assert.deepEqual(
      [silent.telemetry.hashrate_hs.now, silent.warnings],
      [9_500_000_000, ['unit_from_model:GH->MH']],
    )
  })

  test('a failed sensor is ignored with a warning, one that starts without; an answer without sensors has its maximum', () => {
    const sens = (status: string, temp: number): object => ({ status, temp })
    const { telemetry, warnings } = read(
      chains(
        {
          id: 1,
          chip_temp_sens: [sens('error', 90), sens('measure', 61), sens('init', 80)],
          chip_temp: { max: 90 },
        },
        { id: 2, chip_temp: { max: 64 } },
        { id: 3, chip_temp_sens: [sens('error', 90)] },
      ),
    )
    assert.deepEqual(
      telemetry.boards?.map(({ temp_chip_c: chip }) => chip),
      [61, 64, null],
    )
    assert.equal(telemetry.temp_c.chip_max, 64)
    assert.deepEqual(warnings, ['sensor_error_ignored:2'])
    assert.equal(read(summary({ chip_temp: { max: 71 } })).telemetry.temp_c.chip_max, 71)
  })

  test('chains: disabled, disconnected, failed, and of an unknown state', () => {
    const chain = (id: number, state: string): object => ({
      id,
      hashrate_rt: state === 'unknown' ? 5 : 0,
      chip_statuses: { red: 1, orange: 2, grey: 60 },
      status: { state, description: 'told' },
    })
    const { telemetry } = read({
      '/api/v1/summary': {
        miner: {
          miner_status: { miner_state: 'mining' },
          chains: [chain(4, 'unknown'), chain(1, 'disabled'), chain(2, 'disconnected'), chain(3, 'failure')],
        },
      },
    })
    assert.deepEqual(
      telemetry.boards?.map(({ present, enabled, chips }) => [present, enabled, chips]),
      [
        [true, false, null],
        [false, true, null],
        [true, true, null],
        [true, null, 62],
      ],
    )
    assert.equal(telemetry.boards_online, 1)
    assert.deepEqual(
      telemetry.errors?.map((error) => [error.vendor_code, error.slot, error.message]),
      [['failure', 2, 'told']],
    )
  })

  test('a chain of which no state is known is there where it has a rate or chips; without a number it is where it stands', () => {
    const present = (chain: object): unknown => read(chains(chain)).telemetry.boards?.[0]?.present
    assert.equal(present({ hashrate_rt: 5 }), true)
    assert.equal(present({ chip_statuses: { grey: 3, orange: 0 } }), true)
    assert.equal(present({ hashrate_rt: 0, chip_statuses: { grey: 0, orange: 0 } }), null)
    const slots = read(chains({ id: 3 }, {}, { id: 0 })).telemetry.boards?.map(({ slot }) => slot)
    assert.deepEqual(slots, [1, 2, 2])
  })

  test('the intent by the state; a failure is no decision', () => {
    const intent = (miner_state: string, more: object = {}): unknown[] => {
      const { telemetry } = read(summary({ miner_status: { miner_state, ...more } }))
      return [telemetry.is_mining, telemetry.mode, telemetry.errors?.map((error) => error.vendor_code)]
    }
    assert.deepEqual(intent('mining'), [true, 'normal', []])
    for (const state of ['stopped', 'shutting-down']) assert.deepEqual(intent(state), [false, 'sleep', []])
    for (const state of ['initializing', 'starting', 'restarting'])
      assert.deepEqual(intent(state), [true, null, []])
    assert.deepEqual(intent('failure', { failure_code: 4 }), [true, null, ['4']])
    assert.deepEqual(intent('constructor'), [null, null, undefined])
  })

  test("the maker's pool is left out with a warning, and its shares with it", () => {
    const pools = [
      { id: 1, url: 'DevFee', pool_type: 'DevFee', accepted: 9 },
      {
        id: 0,
        url: 'a.example:1',
        pool_type: 'UserPool',
        status: 'rejecting',
        accepted: 4,
        ls_time: '0:00:30',
        diff: '64K',
      },
      {
        id: 2,
        url: 'b.example:1',
        pool_type: 'UserPool',
        status: 'disabled',
        accepted: 0,
        ls_time: '0:00:30',
      },
    ]
    const { telemetry, warnings } = read(summary({ pools }))
    assert.deepEqual(
      telemetry.pools?.map(({ index, alive, last_share_at: at }) => [index, alive, at]),
      [
        [0, false, '2026-05-04T03:01:31.000Z'],
        [2, null, null],
      ],
    )
    assert.deepEqual([telemetry.shares.accepted, telemetry.pools?.[0]?.difficulty], [4, 64_000])
    assert.deepEqual(warnings, ['devfee_pool_dropped'])
  })

  test('0 of a rate is measured; 0 of a sensor and of what the machine is made for says nothing', () => {
    const chain = {
      id: 1,
      hashrate_rt: 0,
      hashrate_ideal: 0,
      frequency: 0,
      voltage: 0,
      power_consumption: 0,
      pcb_temp: { max: 0 },
      chip_temp_sens: [{ status: 'measure', temp: 0 }],
      inlet_water_temp: 0,
      outlet_water_temp: 0,
    }
    const rates = { hr_realtime: 0, hr_average: 0, hr_error: 0, hr_nominal: 0, hr_stock: 0, hw_errors: 0 }
    const { telemetry } = read(
      summary({ ...rates, chains: [chain], pools: [{ id: 0, url: 'a.example:1', ls_diff: 0 }] }),
    )
    const { now, avg } = telemetry.hashrate_hs
    assert.deepEqual([now, avg, telemetry.hashrate_error_hs, telemetry.hw_errors], [0, 0, 0, 0])
    assert.deepEqual([telemetry.hashrate_nominal_hs, telemetry.hashrate_sticker_hs], [null, null])
    assert.deepEqual(
      [telemetry.coolant_in_c, telemetry.coolant_out_c, telemetry.pools?.[0]?.difficulty],
      [null, null, null],
    )
    const [board] = telemetry.boards ?? []
    assert.deepEqual([board?.hashrate_hs, board?.power_w], [0, 0])
    assert.deepEqual(
      [board?.nominal_hs, board?.freq_mhz, board?.voltage_v, board?.temp_board_c, board?.temp_chip_c],
      [null, null, null, null, null],
    )
    const bare = {
      pcb_temp: { max: 0 },
      chip_temp: { max: 0 },
      psu: { temps: { pfc_temp: 0 } },
      instant_hashrate: 0,
    }
    const whole = read(summary({ ...bare, pools: [{ url: 'a.example:1', diff: '0' }] })).telemetry
    assert.ok(Object.values(whole.temp_c).every((value) => value === null))
    assert.deepEqual(
      [whole.hashrate_hs.now, whole.pools?.[0]?.difficulty, whole.pools?.[0]?.index],
      [0, null, 0],
    )
  })

  test('the time in the present state is no uptime', () => {
    const { telemetry } = read(summary({ miner_status: { miner_state: 'mining', miner_state_time: 60 } }))
    assert.deepEqual([telemetry.uptime_s, telemetry.system_uptime_s], [null, null])
  })

  test('watts that the supply measures', () => {
    const metered = read(
      summary({
        power_consumption: 800,
        psu: { psu_power_metering: true, temps: { pfc_temp: 41, llc1_temp: 39 } },
      }),
    )
    assert.deepEqual([metered.telemetry.power_source, metered.telemetry.temp_c.psu], ['miner_psu', 41])
    assert.equal(read(summary({ power_usage: 800 })).telemetry.power_w, 800)
  })
})
