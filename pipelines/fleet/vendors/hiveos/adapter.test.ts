import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const RIG = { make: 'rig', model: 'Model rig', algorithm: 'KawPow' }

const read = (params: object, context = {}): ReadAnswers =>
  readAnswers('hiveos', { stats: { method: 'stats', params } }, { model: RIG, ...context })
/** Two cards, at buses 4 and 9. */
const cards = (more: object = {}): object => ({
  hs: [20_000, 30_000],
  temp: [60, 61],
  fan: [70, 71],
  bus_numbers: [4, 9],
  algo: 'kawpow',
  ...more,
})
const buses = ({ telemetry }: ReadAnswers): unknown =>
  telemetry.gpu?.map(({ bus, temp_c: temp, power_w: power }) => [bus, temp, power])

describe('rates', () => {
  const now = (params: object): number | null => read(params).telemetry.hashrate_hs.now

  test('in the unit of the miner for its cards, and in kH/s as a whole', () => {
    const mhs = read({ total_khs: 50, miner_stats: cards({ hs: [0.02, 0.03], hs_units: 'mhs' }) }).telemetry
    assert.deepEqual(
      [mhs.hashrate_hs.now, mhs.gpu?.map(({ hashrate_hs: rate }) => rate)],
      [50_000, [20_000, 30_000]],
    )
    assert.equal(now({ miner_stats: cards() }), 50_000_000)
    assert.equal(now({ miner_stats: cards({ hs_units: 'sols' }) }), 50_000)
    assert.equal(now({ miner_stats: cards({ hs_units: 'apples' }) }), null)
  })

  test('a miner that does not answer has no rate: the agent sends 0 for it', () => {
    assert.equal(now({ miner: 'cards', total_khs: 0, miner_stats: null }), null)
    assert.equal(now({ miner: 'cards', total_khs: 0, miner_stats: cards({ hs: [0, 0] }) }), 0)
  })

  test('the algorithm of the inventory decides which rate is the machine’s, and no other is added to it', () => {
    const other = { total_khs: 7, miner_stats: cards({ algo: 'etchash' }), miner: 'cards' }
    const alone = read(other).telemetry
    assert.deepEqual([alone.algorithm, alone.hashrate_hs.now, alone.shares.accepted], ['KawPow', null, null])
    assert.deepEqual(
      alone.secondary?.map(({ algorithm, hashrate_hs: rates }) => [algorithm, rates.now]),
      [['Etchash', 7_000]],
    )
    const both = read({ ...other, total_khs2: 5, miner_stats2: cards({ bus_numbers: [12, 13] }) }).telemetry
    assert.deepEqual([both.hashrate_hs.now, both.secondary?.length, both.gpu?.length], [5_000, 1, 4])
    const silent = read({ total_khs: 7, miner_stats: cards({ algo: undefined }) }).telemetry
    assert.deepEqual([silent.hashrate_hs.now, silent.secondary], [7_000, null])
  })

  test('two miners under the same algorithm are one rate, and their counters start with the younger', () => {
    const { telemetry } = read({
      total_khs: 5,
      miner_stats: cards({ ar: [10, 1, 0], uptime: 900 }),
      total_khs3: 6,
      miner_stats3: cards({ bus_numbers: [1, 2], ar: [20, 2, 1], uptime: 60 }),
    })
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.uptime_s], [11_000, 60])
    assert.deepEqual(
      [telemetry.shares.accepted, telemetry.shares.rejected, telemetry.shares.invalid],
      [30, 3, 1],
    )
    assert.deepEqual(
      telemetry.gpu?.map(({ bus }) => bus),
      [1, 2, 4, 9],
    )
  })

  test('the agent runs 32 miners; more are not read', () => {
    const miner = (bus: number): object => cards({ hs: [1], temp: [50], fan: [30], bus_numbers: [bus] })
    const { telemetry } = read({ miner_stats: miner(1), miner_stats32: miner(2), miner_stats33: miner(3) })
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.gpu?.map(({ bus }) => bus)], [2_000, [1, 2]])
  })

  test('one miner with two algorithms has two rates', () => {
    const dual = cards({ total_khs2: 900, algo2: 'kaspa', ar2: [4, 0], hs2: [450, 450] })
    const { secondary } = read({ total_khs: 50_000, miner_stats: dual }).telemetry
    assert.deepEqual(
      secondary?.map(({ algorithm, hashrate_hs: rates, shares }) => [algorithm, rates.now, shares.accepted]),
      [['kHeavyHash', 900_000, 4]],
    )
  })

  test('without a model record there is no rate', () => {
    const { telemetry } = read({ total_khs: 5, miner_stats: cards() }, { model: null })
    assert.deepEqual(
      [telemetry.algorithm, telemetry.hashrate_hs.now, telemetry.gpu?.[0]?.hashrate_hs],
      [null, null, null],
    )
  })
})

describe('cards', () => {
  test('built-in graphics stand first as zeros, and only where there is one entry too many', () => {
    const withIt = read({
      temp: [0, 65, 66],
      fan: ['0', '50', '51'],
      power: [0, 120, 130],
      miner_stats: cards(),
    })
    assert.deepEqual(
      [buses(withIt), withIt.telemetry.power_w],
      [
        [
          [4, 65, 120],
          [9, 66, 130],
        ],
        250,
      ],
    )
    assert.deepEqual(withIt.warnings, ['igpu_dropped'])
    const without = read({
      temp: [0, 66],
      fan: [0, 51],
      power: [0, 130],
      miner_stats: cards({ hs: [0, 9], temp: [0, 61] }),
    })
    assert.deepEqual(
      [buses(without), without.telemetry.gpus_online],
      [
        [
          [4, null, 0],
          [9, 66, 130],
        ],
        1,
      ],
    )
    assert.deepEqual(without.warnings, [])
  })

  test('lists of another length cannot be laid beside the cards: the miner’s own sensors hold, and the sum of the watts', () => {
    const { telemetry } = read({
      temp: [50, 51, 52],
      fan: [1, 2, 3],
      power: [100, 110, 120],
      miner_stats: cards(),
    })
    assert.deepEqual(
      telemetry.gpu?.map(({ bus, temp_c: temp, power_w: power }) => [bus, temp, power]),
      [
        [4, 60, null],
        [9, 61, null],
      ],
    )
    assert.deepEqual([telemetry.power_w, telemetry.power_source], [330, 'gpu_sum'])
  })

  test('0 W of a card that hashes is no reading', () => {
    const { telemetry, warnings } = read({
      temp: [50, 51],
      fan: [1, 2],
      power: ['0', '120'],
      miner_stats: cards(),
    })
    assert.deepEqual(
      [telemetry.power_w, telemetry.power_lower_bound_w, warnings],
      [null, 120, ['power_partial']],
    )
  })

  test('a card of the inventory that is not listed is missing, and the sum of the watts a lower bound', () => {
    const { telemetry, warnings } = read(
      { temp: [50, 51], fan: [1, 2], power: [100, 120], miner_stats: cards() },
      { gpus_expected: 3 },
    )
    assert.deepEqual(
      [telemetry.gpus_online, telemetry.gpus_expected, telemetry.power_lower_bound_w],
      [2, 3, 220],
    )
    assert.deepEqual(warnings, ['gpu_missing:1', 'power_partial'])
  })

  test('a miner on the processor has no cards; one that gives no buses has as many as fans', () => {
    const threads = { hs: [5, 5], temp: [50], fan: [], algo: 'kawpow' }
    assert.equal(read({ miner_stats: threads }).telemetry.gpu, null)
    const noCard = read({ miner_stats: threads, temp: ['0'], fan: ['0'], power: ['0'] })
    assert.deepEqual(
      [noCard.telemetry.gpu, noCard.telemetry.power_w, noCard.warnings],
      [null, null, ['igpu_dropped']],
    )
    assert.deepEqual(buses(read({ miner_stats: { ...threads, bus_numbers: [null, null] } })), undefined)
    assert.deepEqual(buses(read({ miner_stats: { ...threads, temp: [50, 52], fan: [30, 30] } })), [
      [null, 50, null],
      [null, 52, null],
    ])
  })

  test('while no miner runs the sensors still show the cards', () => {
    const params = {
      miner: '',
      miner_stats: null,
      temp: ['0', '35', '36'],
      fan: ['0', '0', '0'],
      power: ['0', '15', '14'],
    }
    const { telemetry, warnings } = read(params)
    assert.deepEqual([telemetry.gpu?.map(({ temp_c: temp }) => temp), telemetry.power_w], [[35, 36], 29])
    assert.deepEqual([telemetry.is_mining, telemetry.gpus_online, warnings], [false, 2, ['igpu_dropped']])
    assert.equal(read(params, { gpus_expected: 3 }).telemetry.gpu?.length, 3)
  })
})

test('the intent: a miner that is set, unless it says that it is stopped', () => {
  const isMining = (params: object): boolean | null => read(params).telemetry.is_mining
  assert.equal(isMining({ miner: 'cards', miner_stats: cards({ hs: [0, 0] }) }), true)
  assert.equal(isMining({ miner: 'cards', miner_stats: cards({ status: 'stopped' }) }), false)
  assert.equal(isMining({ miner: 'cards', miner_stats: null }), null)
  assert.equal(isMining({}), null)
})
