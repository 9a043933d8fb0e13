import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GIGA, MEGA } from '../../../../schemas/units.ts'
import { Place } from './place.ts'
import { Warnings } from './warnings.ts'

/** A value read at the key `x`, with the warnings of it. */
function read<T>(raw: unknown, reading: (place: Place) => T): { value: T; warnings: string[] } {
  const warnings = new Warnings()
  const value = reading(new Place({ x: raw }, warnings).at('x'))
  return { value, warnings: warnings.list() }
}
const plain = (value: unknown): object => ({ value, warnings: [] })
const dropped = (...warnings: string[]): object => ({ value: null, warnings })

describe('a place in an answer', () => {
  const place = new Place({ list: [{ a: 1 }, { b: null }], pool: { url: 'x', passwd: 'y' } }, new Warnings())

  test('holds what is there, and nothing anywhere else', () => {
    assert.equal(place.at('list', 0, 'a').number(), 1)
    for (const nothing of [
      place.at('none'),
      place.at('list', 7, 'a'),
      place.at('list', 1, 'b'),
      place.at(0),
      place.at('list', 'length'),
    ]) {
      assert.equal(nothing.isGiven, false)
      assert.equal(nothing.number(), null)
      assert.deepEqual(nothing.items(), [])
    }
    assert.equal(place.at('toString').isGiven, false)
    assert.equal(place.at('list', 0).any('z', 'a').number(), 1)
    assert.equal(place.at('list', 0).any('y', 'z').isGiven, false)
  })

  test('never shows what is under a key that looks like a password', () => {
    assert.equal(place.at('pool', 'passwd').text(), null)
    assert.deepEqual(
      place
        .at('pool')
        .entries()
        .map(([key]) => key),
      ['url'],
    )
  })
})

describe('quantities', () => {
  test('temperatures: from absolute zero to 200 °C, of which −1 is none', () => {
    assert.deepEqual(
      read(-4, (at) => at.temperatureC()),
      plain(-4),
    )
    assert.deepEqual(
      read('44°C', (at) => at.temperatureC()),
      plain(44),
    )
    assert.deepEqual(
      read(0, (at) => at.temperatureC()),
      plain(0),
    )
    assert.deepEqual(
      read(0, (at) => at.sensorC()),
      plain(null),
    )
    for (const none of [-1, -273, -300, 200, 65_535])
      assert.deepEqual(
        read(none, (at) => at.temperatureC()),
        dropped(`sentinel_dropped:${none}`),
      )
  })

  test('watts: 0 is measured, a limit of 0 is none, "unset" and negatives are dropped', () => {
    assert.deepEqual(
      read(0, (at) => at.powerW()),
      plain(0),
    )
    assert.deepEqual(
      read(0, (at) => at.powerLimitW()),
      plain(null),
    )
    assert.deepEqual(
      read('3.1 kW', (at) => at.powerW()),
      plain(3_100),
    )
    assert.deepEqual(
      read('12 V', (at) => at.powerW()),
      plain(null),
    )
    assert.deepEqual(
      read(2_147_483_647, (at) => at.powerLimitW()),
      dropped('sentinel_dropped:2147483647'),
    )
    assert.deepEqual(
      read(-5, (at) => at.powerW()),
      dropped('negative_dropped:x'),
    )
  })

  test('units of numbers that are sent without one', () => {
    assert.deepEqual(
      read(13_250, (at) => at.voltageV({ per: 1_000 })),
      plain(13.25),
    )
    assert.deepEqual(
      read('13250mV', (at) => at.voltageV()),
      plain(13.25),
    )
    assert.deepEqual(
      read(0, (at) => at.currentA({ zeroIsNone: true })),
      plain(null),
    )
    assert.deepEqual(
      read('1.2 GHz', (at) => at.frequencyMhz()),
      plain(1_200),
    )
    assert.deepEqual(
      read('1.5%', (at) => at.ratioOfPercent()),
      plain(0.015),
    )
  })

  test('what runs on may be any number; how many there are now may not', () => {
    assert.deepEqual(
      read(65_535, (at) => at.counter()),
      plain(65_535),
    )
    assert.deepEqual(
      read(4_294_967_295, (at) => at.counter()),
      plain(4_294_967_295),
    )
    assert.deepEqual(
      read('262K', (at) => at.counter()),
      plain(262_000),
    )
    assert.deepEqual(
      read(65_535, (at) => at.count()),
      dropped('sentinel_dropped:65535'),
    )
    assert.deepEqual(
      read(1.5, (at) => at.count()),
      plain(null),
    )
  })

  test('rates are whole H/s below 2^53', () => {
    assert.deepEqual(
      read('81234.56', (at) => at.rateHs(GIGA)),
      plain(81_234_560_000_000),
    )
    assert.deepEqual(
      read('5.61T', (at) => at.rateHs(GIGA)),
      plain(5_610_000_000_000),
    )
    assert.deepEqual(
      read('77.5 kSol/s', (at) => at.rateHs(GIGA)),
      plain(77_500),
    )
    assert.deepEqual(
      read(0, (at) => at.rateHs(GIGA)),
      plain(0),
    )
    assert.deepEqual(
      read(65_535, (at) => at.rateHs(MEGA)),
      plain(65_535_000_000),
    )
    assert.deepEqual(
      read(9_007_199.3, (at) => at.rateHs(GIGA)),
      dropped('out_of_range'),
    )
    assert.deepEqual(
      read(-0.004, (at) => at.rateHs(GIGA)),
      dropped('negative_dropped:x'),
    )
    assert.deepEqual(
      read(4_294_967_295, (at) => at.rateHs(1)),
      dropped('sentinel_dropped:4294967295'),
    )
    assert.deepEqual(
      read('5 W', (at) => at.rateHs(GIGA)),
      plain(null),
    )
  })

  test('texts that are no number count where they say that there is none', () => {
    assert.deepEqual(
      read('nan', (at) => at.rateHs(GIGA)),
      dropped('not_finite_dropped:1'),
    )
    assert.deepEqual(
      read('[N/A]', (at) => at.powerW()),
      dropped('unavailable_dropped:1'),
    )
    assert.deepEqual(
      read('', (at) => at.powerW()),
      plain(null),
    )
    assert.deepEqual(
      read(true, (at) => at.powerW()),
      plain(null),
    )
    assert.deepEqual(
      read('12\r', (at) => at.count()),
      { value: 12, warnings: ['text_number_trimmed:1'] },
    )
  })
})
