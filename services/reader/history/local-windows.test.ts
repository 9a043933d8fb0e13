import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { othersTurn } from '../../../pipelines/in-turns.ts'
import { DAY_MS, HOUR_MS, QUARTER_HOUR_MS } from '../../../schemas/units.ts'
import { TimeZone, tileLocally } from './local-windows.ts'
import type { Tiling } from './local-windows.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  '-03:30',
]

async function tiling(zone: string, window: '1h' | '1d', from: string, to: string): Promise<Tiling> {
  const range = { fromMs: Date.parse(from), toMs: Date.parse(to) }
  const tiled = await tileLocally(new TimeZone(zone), window, range, 100_000, othersTurn)
  assert.ok(tiled !== null)
  return tiled
}

const texts = ({ starts, endMs }: Tiling): string[] =>
  [...starts, endMs].map((at) => new Date(at).toISOString())

test('a day on which clocks change has 23 or 25 hours', async () => {
  assert.deepEqual(
    texts(await tiling('Europe/Berlin', '1d', '2026-03-28T12:00:00Z', '2026-03-29T22:30:00Z')),
    [
      '2026-03-27T23:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
      '2026-03-30T22:00:00.000Z',
    ],
  )
  assert.deepEqual(
    texts(await tiling('Europe/Berlin', '1d', '2026-10-25T00:00:00Z', '2026-10-25T00:00:01Z')),
    ['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
  )
})

test('an hour that the clocks show twice is two windows', async () => {
  const hours = await tiling('Europe/Berlin', '1h', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')
  assert.equal(hours.starts.length, 25)
})

test('where midnight is skipped the day begins when the date does', async () => {
  assert.deepEqual(
    texts(await tiling('Africa/Cairo', '1d', '2026-04-24T10:00:00Z', '2026-04-24T11:00:00Z')),
    ['2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'],
  )
})

test('half an hour of change makes a short window, and no gap', async () => {
  const hours = await tiling('Australia/Lord_Howe', '1h', '2026-04-04T14:00:00Z', '2026-04-04T17:00:00Z')
  assert.deepEqual(texts(hours).slice(0, 4), [
    '2026-04-04T14:00:00.000Z',
    '2026-04-04T15:00:00.000Z',
    '2026-04-04T15:30:00.000Z',
    '2026-04-04T16:30:00.000Z',
  ])
})

test('quarters and halves of an hour from UTC', async () => {
  assert.deepEqual(
    texts(await tiling('Asia/Kathmandu', '1h', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z')),
    ['2025-12-31T23:15:00.000Z', '2026-01-01T00:15:00.000Z'],
  )
})

test('more windows than the bound: none', async () => {
  const zone = new TimeZone('Europe/Berlin')
  const range = { fromMs: 0, toMs: 10 * DAY_MS }
  assert.equal(await tileLocally(zone, '1d', range, 9, othersTurn), null)
  assert.equal((await tileLocally(zone, '1d', range, 11, othersTurn))?.starts.length, 11)
})

test('an unknown zone is a RangeError', () => {
  assert.throws(() => new TimeZone('Mars/Olympus'), RangeError)
})

test('windows of every zone cover the range, tile it, and lie on quarters of an hour', async () => {
  const time = fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ZONES),
      fc.constantFrom('1h' as const, '1d' as const),
      time,
      fc.integer({ min: 1, max: 5 * DAY_MS }),
      async (name, window, fromMs, lengthMs) => {
        const zone = new TimeZone(name)
        const tiled = await tileLocally(zone, window, { fromMs, toMs: fromMs + lengthMs }, 1_000, othersTurn)
        assert.ok(tiled !== null && tiled.starts.length > 0)
        const borders = [...tiled.starts, tiled.endMs]
        assert.ok((borders[0] as number) <= fromMs && (borders[1] as number) > fromMs)
        assert.ok((borders.at(-2) as number) < fromMs + lengthMs && tiled.endMs >= fromMs + lengthMs)
        for (const [index, border] of borders.entries()) {
          assert.equal(border % QUARTER_HOUR_MS, 0)
          if (index > 0) assert.ok(border > (borders[index - 1] as number))
          if (window === '1h' && index > 0) assert.ok(border - (borders[index - 1] as number) <= HOUR_MS)
          // A day may be requested from any time within it, and is the same day.
          if (window === '1d' && index > 0) assert.equal(zone.dayStart(border - 1), borders[index - 1])
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('between two changes a zone is asked by step, never by window', async (context) => {
  const format = context.mock.getter(Intl.DateTimeFormat.prototype, 'format')
  const years = await tiling('Europe/Berlin', '1h', '2021-04-01T00:00:00Z', '2026-10-01T00:00:00Z')
  assert.ok(years.starts.length > 48_000)
  const steps = (Date.parse('2026-10-01') - Date.parse('2021-04-01')) / (6 * DAY_MS)
  // Twice for each step, and some ten times for each of eleven changes.
  assert.ok(format.mock.callCount() < 2 * steps + 11 * 12 + 10, String(format.mock.callCount()))
})

test('the offset of a step is the one that the zone itself tells, at any time', () => {
  const zones = fc.constantFrom(...ZONES, 'America/Noronha', 'Asia/Gaza', 'Africa/Casablanca')
  const quarter = fc.integer({ min: 0, max: Date.UTC(2050, 0, 1) / QUARTER_HOUR_MS })
  const known = new Map<string, TimeZone>()
  fc.assert(
    fc.property(zones, quarter, (name, quarters) => {
      const zone = known.get(name) ?? new TimeZone(name)
      known.set(name, zone)
      const timeMs = quarters * QUARTER_HOUR_MS
      const shown = new Date(timeMs).toLocaleString('sv-SE', { timeZone: name })
      const localMs = Date.parse(`${shown.replace(' ', 'T')}Z`)
      assert.equal(zone.offsetMs(timeMs), Math.floor((localMs - timeMs) / QUARTER_HOUR_MS) * QUARTER_HOUR_MS)
    }),
    { numRuns: 2_000 },
  )
})

test('both changes of Brazil in October 2000 are seen, six days and 23 hours apart', async () => {
  const zone = new TimeZone('America/Noronha')
  const offsets = new Set<number>()
  for (let at = Date.UTC(2000, 9, 1); at < Date.UTC(2000, 9, 20); at += HOUR_MS)
    offsets.add(zone.offsetMs(at))
  assert.deepEqual([...offsets], [-2 * HOUR_MS, -1 * HOUR_MS])
  assert.equal(zone.offsetMs(Date.UTC(2000, 9, 20)), -2 * HOUR_MS)
})
