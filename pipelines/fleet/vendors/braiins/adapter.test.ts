import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Telemetry } from '../../telemetry.ts'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked } from '../../../../test/support/fleet/read-answers.ts'

const read = (asked: Asked): Telemetry => readAnswers('braiins', asked).telemetry
const details = (body: object): Asked => ({ 'miner/details': body })

describe('the public interface', () => {
  test('each rate is in the unit that its key names', () => {
    const miner = {
      real_hashrate: {
        last_5s: { terahash_per_second: 1.5 },
        last_1m: { gigahash_per_second: 1_400 },
        last_24h: { gigahash_per_second: 3 },
      },
      error_hashrate: { megahash_per_second: 20.5 },
    }
    const telemetry = read({ 'miner/stats': { miner_stats: miner } })
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.hashrate_hs['1m']], [1.5e12, 1.4e12])
    assert.deepEqual(
      [telemetry.hashrate_hs.avg, telemetry.hashrate_hs['1h'], telemetry.hashrate_error_hs],
      [null, null, 20_500_000],
    )
  })

  test('a pause is a decision; of the other states only the normal one tells the intent', () => {
    const intent = (status: unknown): unknown[] => {
      const { status_raw: state, is_mining: isMining, mode } = read(details({ status }))
      return [state, isMining, mode]
    }
    assert.deepEqual(intent(2), ['NORMAL', true, null])
    assert.deepEqual(intent(3), ['PAUSED', false, 'sleep'])
    assert.deepEqual(intent('MINER_STATUS_PAUSED'), ['PAUSED', false, 'sleep'])
    for (const [number, name] of [
      [1, 'NOT_STARTED'],
      [4, 'SUSPENDED'],
      [5, 'RESTRICTED'],
    ] as const)
      assert.deepEqual(intent(number), [name, null, null])
    for (const none of [0, 9, 'constructor', null]) assert.deepEqual(intent(none), [null, null, null])
    assert.equal(read({ ...details({}), 'miner/status': { status: 2 } }).status_raw, 'NORMAL')
    assert.equal(
      read({ ...details({ status: 2 }), 'performance/tuner-state': { overall_tuner_state: 3 } }).mode,
      'tuning',
    )
  })

  test('a target of watts is a limit unless the tuner is off', () => {
    const limit = (tuner: object): unknown =>
      read({ ...details({}), 'configuration/miner': { tuner } }).power_limit_w
    assert.equal(limit({ enabled: true, power_target: { watt: 2_750 } }), 2_750)
    assert.equal(limit({ enabled: false, power_target: { watt: 2_750 } }), null)
    assert.equal(limit({ enabled: true, power_target: null }), null)
    assert.equal(limit({ enabled: true, power_target: { watt: 0 } }), null)
  })

  test('boards: disabled by decision, lost, and unknown', () => {
    const hashboards = [
      { id: '3', enabled: true, chips_count: 0 },
      { id: '1', enabled: false },
      { id: '2', enabled: true, chips_count: null },
    ]
    const { boards, boards_online: online } = read({ ...details({}), 'miner/hw/hashboards': { hashboards } })
    assert.deepEqual(
      boards?.map(({ slot, present, enabled }) => [slot, present, enabled]),
      [
        [0, true, false],
        [1, null, true],
        [2, false, true],
      ],
    )
    assert.equal(online, null)
  })

  test('0 of a rate is measured; 0 of a sensor and of what a board is set for says nothing', () => {
    const zero = { gigahash_per_second: 0 }
    const hashboard = {
      id: 'none',
      board_temp: { degree_c: 0 },
      current_voltage: { volt: 0 },
      current_frequency: { hertz: 0 },
      stats: { nominal_hashrate: zero, real_hashrate: { last_5s: zero } },
    }
    const { boards, fans } = read({
      ...details({}),
      'miner/hw/hashboards': { hashboards: [hashboard] },
      'cooling/state': { fans: [{ rpm: 0 }] },
    })
    const [board] = boards ?? []
    assert.deepEqual([board?.slot, board?.hashrate_hs, board?.nominal_hs], [0, 0, null])
    assert.deepEqual([board?.temp_board_c, board?.voltage_v, board?.freq_mhz], [null, null, null])
    assert.deepEqual(
      fans?.map(({ index, rpm, pct }) => [index, rpm, pct]),
      [[0, 0, null]],
    )
  })

  test('errors are a log: one of each code and component, the oldest time; messages without a code are none', () => {
    const entry = (timestamp: string, code: string | null, index = 2): object => ({
      timestamp,
      message: 'said so',
      error_codes: code === null ? [] : [{ code, reason: 'because' }],
      components: [{ name: 'hashboard', index }],
    })
    const errors = [
      entry('2026-05-02T10:00:00Z', 'X7'),
      entry('2026-05-01T10:00:00Z', 'X7'),
      entry('2010-01-01T00:00:05Z', 'X8'),
      entry('2026-05-01T10:00:00Z', null),
      entry('2026-05-03T10:00:00Z', 'X7', 3),
    ]
    const telemetry = read({ ...details({ status: 4 }), 'miner/errors': { errors } })
    assert.deepEqual(
      telemetry.errors?.map((error) => [
        error.vendor_code,
        error.component,
        error.slot,
        error.first_seen,
        error.message,
      ]),
      [
        ['X7', 'hashboard', 2, '2026-05-01T10:00:00.000Z', 'because'],
        ['X8', 'hashboard', 2, null, 'because'],
        ['X7', 'hashboard', 3, '2026-05-03T10:00:00.000Z', 'because'],
      ],
    )
    const many = Array.from({ length: 300 }, (_, index) => entry('2026-05-01T10:00:00Z', `Y${index}`))
    assert.equal(read({ ...details({}), 'miner/errors': { errors: many } }).errors?.length, 64)
    assert.equal(read(details({ status: 4 })).errors, null)
    assert.deepEqual(read(details({ status: 2 })).errors, [])
  })

  test('a last share from before the clock was set has no time, and a pool that asks for nothing no difficulty', () => {
    const pool = { url: 'p', stats: { last_share_time: { seconds: 5 }, last_difficulty: 0 } }
    const [shown] = read({ ...details({}), pools: [{ pools: [pool] }] }).pools ?? []
    assert.deepEqual([shown?.url, shown?.last_share_at, shown?.difficulty], ['p', null, null])
  })

  test('a process that is not running has no uptime', () => {
    assert.deepEqual(
      [read(details({ bosminer_uptime_s: 0 })).uptime_s, read(details({ system_uptime: 0 })).system_uptime_s],
      [null, 0],
    )
  })
})

describe('GraphQL', () => {
  const graphql = (data: object): Asked => ({ graphql: { data } })

  test('it is read where the public interface does not answer', () => {
    const old = graphql({ bosminer: { info: { workSolver: { realHashrate: { mhs5S: 7_500 } } } } })
    assert.equal(read(old).hashrate_hs.now, 7_500_000_000)
    assert.equal(read({ ...old, ...details({ hostname: 'h' }) }).hashrate_hs.now, null)
    assert.equal(read({ ...old, 'miner/details': 'not json' }).hashrate_hs.now, 7_500_000_000)
  })

  test('while the miner does not run only the system is known', () => {
    const data = {
      bos: { hostname: 'rig-7', uptime: { durationS: 60 } },
      bosminer: { info: { message: 'unavailable' } },
    }
    const telemetry = read(graphql(data))
    assert.deepEqual([telemetry.hostname, telemetry.system_uptime_s, telemetry.uptime_s], ['rig-7', 60, null])
    assert.deepEqual(
      [telemetry.boards, telemetry.pools, telemetry.fans, telemetry.errors],
      [null, null, null, null],
    )
  })

  test('0 of a rate is measured; 0 of a sensor and of what a board is set for says nothing', () => {
    const solver = {
      name: '1',
      nominalMhs: 0,
      realHashrate: { mhs5S: 0 },
      hwDetails: { chips: 9, frequencyMhz: 0, voltageV: 0 },
      temperatures: [{ name: 'MAX_CHIP', degreesC: 0 }],
    }
    const info = {
      workSolver: { realHashrate: { mhs5S: 0, mhs30M: 0, mhsAv: 0 }, childSolvers: [solver] },
      summary: { power: { limitW: 0, approxConsumptionW: 0 }, temperatureAmbient: { degreesC: 0 } },
    }
    const telemetry = read(graphql({ bosminer: { info } }))
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.power_w, telemetry.power_limit_w], [0, 0, null])
    assert.deepEqual(
      [telemetry.hashrate_hs['30m'], telemetry.hashrate_hs.avg, telemetry.temp_c.ambient],
      [0, 0, null],
    )
    const [board] = telemetry.boards ?? []
    assert.deepEqual(
      [board?.hashrate_hs, board?.nominal_hs, board?.temp_chip_c, board?.freq_mhz, board?.voltage_v],
      [0, null, null, null, null],
    )
  })

  test('the edition is a flag, or the end of the version', () => {
    const firmware = (version: object): unknown => read(graphql({ bos: { info: { version } } })).firmware
    assert.equal(firmware({ full: '30.01-plus' }), 'Braiins OS+')
    assert.equal(firmware({ full: '30.01' }), 'Braiins OS')
    assert.equal(firmware({ full: '30.01', isPlus: true }), 'Braiins OS+')
    assert.equal(firmware({}), null)
  })
})
