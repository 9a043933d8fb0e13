import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { normalise } from '../../normalise.ts'
import { readPoll } from '../../poll.ts'
import type { Telemetry } from '../../telemetry.ts'

interface Asked {
  readonly [request: string]: unknown
}

const MODEL = {
  make: 'Maker',
  model: 'Model 3',
  algorithm: 'SHA-256',
  boards: 3,
  chips_per_board: 63,
  fans: 2,
}

/** What the adapter makes of these answers; a text is an answer that is no JSON object. */
function read(
  asked: Asked,
  model: object | null = MODEL,
): { telemetry: Telemetry; warnings: readonly string[] } {
  const answers = Object.entries(asked).map(([request, body]) =>
    typeof body === 'string' ? { request, body_text: body } : { request, body },
  )
  const poll = readPoll({
    adapter: 'bitmain',
    collected_at: '2026-05-04T03:02:01Z',
    context: { model },
    answers,
  })
  assert.ok(!('problem' in poll))
  const outcome = normalise(poll)
  assert.ok(outcome !== 'unsupported' && 'telemetry' in outcome)
  return outcome
}

const old = (body: object): Asked => ({ stats: { STATS: [{ Type: 'Model 3' }, { Elapsed: 9, ...body }] } })

describe('the generation until 2022', () => {
  test('boards in the last slots: those with chips, since nobody can say which slot lost its board', () => {
    const chains = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`chain_acn${index + 1}`, 0]))
    const all = read(old({ ...chains, chain_acn6: 63, chain_acn7: 63, chain_acn8: 63 })).telemetry
    assert.deepEqual(
      all.boards?.map(({ slot, present }) => [slot, present]),
      [
        [5, true],
        [6, true],
        [7, true],
      ],
    )
    const two = read(old({ ...chains, chain_acn6: 63, chain_acn8: 60 })).telemetry
    assert.deepEqual([two.boards?.length, two.boards_online, two.boards_expected], [2, 2, 3])
  })

  test('a slot of the model without chips is a lost board', () => {
    const { boards, boards_online: online } = read(
      old({ chain_acn1: 63, chain_acn2: 0, chain_acn3: 63, chain_acn4: 0 }),
    ).telemetry
    assert.deepEqual(
      boards?.map(({ present }) => present),
      [true, false, true],
    )
    assert.equal(online, 2)
  })

  test('no model record: the chains with chips, and no rates', () => {
    const answer = { ...old({ 'GHS 5s': 5, chain_acn1: 63, chain_rate1: 5, chain_acn2: 0 }) }
    const { boards, hashrate_hs: rates } = read(answer, null).telemetry
    assert.deepEqual(
      boards?.map(({ hashrate_hs: rate, chips }) => [rate, chips]),
      [[null, 63]],
    )
    assert.equal(rates.now, null)
  })

  test('fans on connectors further on are those that turn', () => {
    const { fans } = read(old({ fan_num: 2, fan1: 0, fan2: 0, fan3: 4_800, fan6: 4_700 })).telemetry
    assert.deepEqual(
      fans?.map(({ index, rpm }) => [index, rpm]),
      [
        [2, 4_800],
        [5, 4_700],
      ],
    )
    const stopped = read(old({ fan1: 4_800, fan2: 0, fan3: 0 })).telemetry
    assert.deepEqual(
      stopped.fans?.map(({ rpm }) => rpm),
      [4_800, 0],
    )
    assert.equal(read(old({})).telemetry.fans, null)
    assert.deepEqual(read(old({ fan_num: 0 })).telemetry.fans, [])
  })

  test('sensors in one text: by number, without zeros, with negatives; nonsense is dropped with a warning', () => {
    const { telemetry, warnings } = read(
      old({
        chain_acn1: 63,
        temp_pcb1: '-4-0-58-9',
        temp_chip1: '99-101-0-220',
        chain_acn2: 63,
        temp_chip2: 'none',
      }),
    )
    assert.deepEqual(
      telemetry.boards?.slice(0, 2).map(({ temp_board_c: board, temp_chip_c: chip }) => [board, chip]),
      [
        [58, 101],
        [null, null],
      ],
    )
    assert.deepEqual(warnings, ['sentinel_dropped:220'])
  })

  test('each answer stands alone: a summary gives the same windows where the statistics are cut', () => {
    const summary = {
      SUMMARY: [{ Elapsed: 77, 'GHS 5s': '40.5', 'GHS 30m': 41, Accepted: 5, 'Hardware Errors': 0 }],
    }
    const { telemetry, warnings } = read({ stats: '{"STATS":[{"Type":"x"},{"Elapsed":77,"GHS 5s"', summary })
    assert.deepEqual(
      [telemetry.hashrate_hs.now, telemetry.hashrate_hs['30m'], telemetry.hashrate_hs.avg],
      [40_500_000_000, 41_000_000_000, null],
    )
    assert.deepEqual(
      [telemetry.boards, telemetry.boards_online, telemetry.fans, telemetry.hw_errors],
      [null, null, null, 0],
    )
    assert.deepEqual(warnings, ['answer_unusable:stats'])
  })

  test('a text in place of an answer is no telemetry', () => {
    const { telemetry, warnings } = read({ stats: 'socket connect failed', pools: 'socket connect failed' })
    assert.deepEqual([telemetry.hashrate_hs.now, telemetry.pools, telemetry.uptime_s], [null, null, null])
    assert.deepEqual(warnings, ['answer_unusable:pools', 'answer_unusable:stats'])
  })
})

const recent = (body: object, chain: readonly object[] = []): Asked => ({
  'stats new_api': {
    STATUS: { when: 12 },
    INFO: { type: 'Model 3' },
    STATS: [{ elapsed: 9, ...body, chain }],
  },
})

describe('the generation since 2022', () => {
  test('a board whose memory can be read and no chip answers is there, and not online', () => {
    const chain = [
      { index: 1, asic_num: 0, rate_real: 0, eeprom_loaded: true, sn: 'AB1' },
      { index: 0, asic_num: 63, rate_real: 31.5, eeprom_loaded: true },
    ]
    const { boards, boards_online: online } = read(recent({}, chain)).telemetry
    assert.deepEqual(
      boards?.map(({ slot, present, hashrate_hs: rate }) => [slot, present, rate]),
      [
        [0, true, 31_500_000_000],
        [1, true, 0],
      ],
    )
    assert.equal(online, 1)
  })

  test('asleep: the intent is no mining, whatever the average still shows', () => {
    const { telemetry } = read({
      ...recent({ rate_5s: 0, rate_avg: 88 }),
      'get_miner_conf.cgi': { 'bitmain-work-mode': 1 },
    })
    assert.deepEqual([telemetry.mode, telemetry.is_mining, telemetry.hashrate_hs.now], ['sleep', false, 0])
    const shown = read(recent({ 'miner-mode': 3 })).telemetry
    assert.deepEqual([shown.mode, shown.is_mining], ['low', true])
    const unknown = read(recent({ 'miner-mode': 9, rate_5s: 5 })).telemetry
    assert.deepEqual([unknown.mode, unknown.is_mining], [null, null])
  })

  test('watts under either name, or from the port of their own', () => {
    assert.equal(read(recent({ power: 3_405 })).telemetry.power_w, 3_405)
    const text = read({ ...recent({}), miner_power: 'now:3405W' }).telemetry
    assert.deepEqual([text.power_w, text.power_source], [3_405, 'miner'])
    assert.deepEqual(
      [read(recent({})).telemetry.power_w, read(recent({})).telemetry.power_source],
      [null, null],
    )
  })

  test('only "e" is an error; without a summary errors are unknown', () => {
    const status = [
      { type: 'rate', status: 'e', code: 5, msg: 'low' },
      { type: 'net work!', status: 'e', code: 5 },
      { type: 'temp', status: '' },
      { type: 'constructor', status: 'e' },
    ]
    const { errors } = read({ ...recent({}), 'summary.cgi': { SUMMARY: [{ status }] } }).telemetry
    assert.deepEqual(
      errors?.map((error) => [error.vendor_code, error.component]),
      [
        ['rate:5', 'device'],
        ['constructor', 'device'],
      ],
    )
    assert.equal(read(recent({})).telemetry.errors, null)
  })

  test('a clock that counts from the start is none', () => {
    const { telemetry, warnings } = read(recent({}))
    assert.equal(telemetry.device_time, null)
    assert.deepEqual(warnings, ['device_clock_unset'])
  })

  test('the active pool is the one that is alive and has had the newest share', () => {
    const pool = (index: number, status: string, lstime: string): object => ({
      index,
      url: `p${index}`,
      status,
      lstime,
    })
    const active = (...pools: object[]): unknown =>
      read({ ...recent({}), 'pools.cgi': { POOLS: pools } }).telemetry.pools?.map((one) => one.active)
    assert.deepEqual(
      active(pool(0, 'Dead', '0:00:01'), pool(1, 'Alive', '0:00:05'), pool(2, 'Alive', '0:00:04')),
      [false, false, true],
    )
    assert.deepEqual(active(pool(0, 'Alive', '0'), pool(1, 'Dead', '0')), [null, false])
  })
})
