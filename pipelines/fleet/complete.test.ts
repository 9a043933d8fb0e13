import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { complete } from './complete.ts'
import type { MachineContext, ModelRecord } from './poll.ts'
import type { BoardReading, Reading } from './reading.ts'
import type { Telemetry } from './telemetry.ts'

const MODEL: ModelRecord = {
  make: 'Maker',
  model: 'Model 7',
  algorithm: 'SHA-256',
  boards: 3,
  chipsPerBoard: 70,
  fans: 2,
  labelUnit: null,
}
const CONTEXT: MachineContext = { model: MODEL, locationTimezone: null, gpusExpected: null }

const completed = (reading: Partial<Reading>, context = CONTEXT): Telemetry =>
  complete({ source_api: 'test', ...reading }, context)
const board = (slot: number, rest: Partial<BoardReading> = {}): BoardReading => ({
  slot,
  present: true,
  hashrate_hs: 500,
  chips: 70,
  ...rest,
})

describe('rules for every vendor', () => {
  test('nothing reported is null everywhere, apart from what the inventory knows', () => {
    const { source_api: api, temp_c: temperatures, hashrate_hs: rates, shares, ...rest } = completed({})
    assert.equal(api, 'test')
    for (const part of [temperatures, rates, shares])
      assert.ok(Object.values(part).every((value) => value === null))
    assert.deepEqual(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)), {
      make: 'Maker',
      model: 'Model 7',
      algorithm: 'SHA-256',
      boards_expected: 3,
      chips_expected: 210,
      fans_expected: 2,
    })
  })

  test('a machine without a model record has no rates, and keeps the rest', () => {
    const reading: Partial<Reading> = {
      algorithm: 'Scrypt',
      model: 'Whatever 1',
      hashrate_hs: { now: 7 },
      hashrate_nominal_hs: 8,
      hashrate_error_hs: 1,
      boards: [board(0, { nominal_hs: 9 })],
      gpu: [{ bus: 1, hashrate_hs: 5, temp_c: 60 }],
      secondary: [{ algorithm: 'RandomX', hashrate_hs: { now: 3 } }],
      power_w: 100,
    }
    const unknown = completed(reading, { ...CONTEXT, model: null })
    const { now } = unknown.hashrate_hs
    assert.deepEqual(
      [now, unknown.hashrate_nominal_hs, unknown.hashrate_error_hs, unknown.secondary],
      [null, null, null, null],
    )
    assert.deepEqual(
      [unknown.algorithm, unknown.model, unknown.power_w, unknown.boards_online],
      [null, 'Whatever 1', 100, 1],
    )
    assert.deepEqual([unknown.boards?.[0]?.hashrate_hs, unknown.boards?.[0]?.nominal_hs], [null, null])
    assert.deepEqual([unknown.gpu?.[0]?.hashrate_hs, unknown.gpu?.[0]?.temp_c], [null, 60])
    // A rig's model does not fix what it mines; then the answer says it.
    const rig = completed(reading, { ...CONTEXT, model: { ...MODEL, algorithm: null } })
    assert.deepEqual([rig.algorithm, rig.hashrate_hs.now], ['Scrypt', 7])
    assert.equal(completed(reading).algorithm, 'SHA-256')
  })

  test('boards stand in the order of slots, fans and pools in that of their indices', () => {
    const { boards, fans, pools } = completed({
      boards: [board(2), board(0), board(1)],
      fans: [{ index: 1 }, { index: 0 }],
      pools: [
        { index: 2, url: 'c' },
        { index: 0, url: 'a' },
        { index: 1, accepted: 0, rejected: 0 },
        { index: 3, accepted: 4 },
      ],
    })
    assert.deepEqual(
      boards?.map(({ slot }) => slot),
      [0, 1, 2],
    )
    assert.deepEqual(
      fans?.map(({ index }) => index),
      [0, 1],
    )
    assert.deepEqual(
      pools?.map(({ index }) => index),
      [0, 2, 3],
    )
  })

  test('a board is online when it is there, enabled, and has a rate or chips', () => {
    const counts = (...boards: BoardReading[]): (number | null)[] => {
      const telemetry = completed({ boards })
      return [telemetry.boards_online, telemetry.chips_online]
    }
    assert.deepEqual(counts(board(0), board(1)), [2, 140])
    assert.deepEqual(counts(board(0), board(1, { present: false, chips: 0, hashrate_hs: 0 })), [1, 70])
    assert.deepEqual(counts(board(0), board(1, { enabled: false })), [1, 70])
    assert.deepEqual(counts(board(0), board(1, { chips: 0, hashrate_hs: 0 })), [1, 70])
    assert.deepEqual(counts(board(0), board(1, { chips: null })), [2, null])
    assert.deepEqual(counts(board(0, { hashrate_hs: 0 })), [1, 70])
    assert.deepEqual(counts(board(0), board(1, { chips: null, hashrate_hs: null })), [null, null])
    assert.deepEqual(counts(), [0, null])
    assert.equal(completed({ boards: null }).boards_online, null)
  })

  test('what the machine does not say as a whole follows from its parts, where all of them say it', () => {
    const whole = completed({
      boards: [
        board(0, { hw_errors: 3, temp_board_c: 51, temp_chip_c: 70 }),
        board(1, { hw_errors: 4, temp_board_c: 60 }),
      ],
      pools: [
        { index: 0, url: 'a', accepted: 5, rejected: 1, stale: 2 },
        { index: 1, url: 'b', accepted: 6, rejected: 0 },
      ],
    })
    assert.equal(whole.hw_errors, 7)
    assert.deepEqual([whole.temp_c.board_max, whole.temp_c.chip_max], [60, 70])
    assert.deepEqual(whole.shares, { accepted: 11, rejected: 1, stale: null, invalid: null })
    const own = completed({
      hw_errors: 9,
      temp_c: { board_max: 40 },
      shares: { accepted: 1 },
      boards: [board(0, { hw_errors: 3, temp_board_c: 51 })],
      pools: [{ index: 0, url: 'a', accepted: 5 }],
    })
    assert.deepEqual([own.hw_errors, own.temp_c.board_max, own.shares.accepted], [9, 40, 1])
    assert.equal(completed({ boards: [board(0, { hw_errors: 3 }), board(1)] }).hw_errors, null)
    assert.equal(completed({ gpu: [{ temp_c: 61 }, { temp_c: null }] }).temp_c.chip_max, 61)
  })

  test('the source of power is named only where there are watts', () => {
    assert.equal(completed({ power_source: 'miner' }).power_source, null)
    assert.equal(completed({ power_source: 'miner', power_w: 0 }).power_source, 'miner')
    assert.equal(completed({ power_source: 'gpu_sum', power_lower_bound_w: 5 }).power_source, 'gpu_sum')
  })
})
