import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { normalise } from '../../../pipelines/fleet/normalise.ts'
import { ADAPTERS } from '../../../pipelines/fleet/vendors/adapters.ts'
import { GPUS_MAX, ITEM_BYTES_MAX, WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import { pollOf, readableFixtures } from '../../../test/support/fleet/fixtures.ts'
import { GENERATORS } from '../../../test/support/fleet/generators.ts'
import { itemJson } from '../send/item-json.ts'
import { decodeItem, encodeItem } from '../spool/item-bytes.ts'
import { acceptItem } from '../../../pipelines/fleet/accept/accept-item.ts'
import { macsIn } from './arp.ts'
import { reportItem, sampleItem } from './items.ts'
import { PLANS } from './plans.ts'
import { pollResult } from './poll-result.ts'
import { Roster } from './roster.ts'
import { nextDue } from './schedule.ts'
import type { Due } from './schedule.ts'

const OBSERVED = {
  serial: null,
  mac: null,
  mac_arp: '02:00:00:00:00:09',
  address: '10.20.1.1',
  observed_at: 7,
}

function telemetryOf(document: unknown) {
  const normalised = normalise(pollOf(document))
  return normalised === 'unsupported' || !('telemetry' in normalised) ? null : normalised
}

test('whatever an adapter makes fits into items that the gateway takes, and comes back from the spool as it was', () => {
  const documents = [
    ...readableFixtures().map(({ document }) => fc.constant(document)),
    ...GENERATORS.map(({ polls }) => polls.map(({ document }) => document)),
  ]
  fc.assert(
    fc.property(fc.oneof(...documents), (document) => {
      const read = telemetryOf(document)
      if (read === null) return
      for (const made of [
        sampleItem(OBSERVED, read.telemetry, read.warnings),
        reportItem(OBSERVED, read.telemetry),
      ]) {
        assert.ok(!(made instanceof Refusal), made instanceof Refusal ? `${made.path} ${made.detail}` : '')
        const back = decodeItem(encodeItem(made))
        const json = itemJson(back)
        assert.ok(JSON.stringify(json).length < ITEM_BYTES_MAX)
        assert.deepEqual(acceptItem(json, 7), made)
      }
    }),
    { numRuns: 400 },
  )
})

test('more parts and warnings than an item may have are left out', () => {
  const gpus = Array.from({ length: GPUS_MAX + 1 }, (_, bus) => ({ bus, model: 'card', power_w: 100 }))
  const [fixture] = readableFixtures()
  const read = telemetryOf(fixture?.document)
  assert.ok(read !== null)
  const warnings = Array.from({ length: WARNINGS_MAX + 1 }, (_, at) => `gap:${at}`)
  const telemetry = { ...read.telemetry, gpu: gpus as unknown as NonNullable<typeof read.telemetry.gpu> }
  const made = sampleItem(OBSERVED, telemetry, warnings)
  assert.ok(!(made instanceof Refusal))
  assert.deepEqual([made.sample?.gpu?.length, made.sample?.warnings.length], [GPUS_MAX, WARNINGS_MAX])
})

test('every kind of machine that can be asked has an adapter, and each needed answer has a name of its own', () => {
  for (const [adapter, { variants }] of PLANS) {
    assert.ok(ADAPTERS.has(adapter), adapter)
    for (const requests of variants) {
      assert.ok(requests.some(({ isNeeded }) => isNeeded))
      assert.equal(new Set(requests.map(({ request }) => request)).size, requests.length)
    }
  }
  const pushed = [...ADAPTERS.keys()].filter((name) => !PLANS.has(name))
  assert.deepEqual(pushed, ['hiveos', 'sequence'])
})

test('a poll is ok, partial or failed by what was answered and what could be read', () => {
  const read = telemetryOf(readableFixtures()[1]?.document)
  assert.ok(read !== null)
  const empty = {
    ...read.telemetry,
    uptime_s: null,
    power_w: null,
    is_mining: null,
    boards: null,
    gpu: null,
    fans: [],
  }
  const nothing = {
    ...empty,
    hashrate_hs: Object.fromEntries(
      Object.keys(empty.hashrate_hs).map((one) => [one, null]),
    ) as typeof empty.hashrate_hs,
  }
  const answer = { kind: 'answer', text: '' } as const
  const one = (
    request: string,
    outcome: { kind: 'timeout' | 'refused' | 'auth_failed' | 'unreadable' } | typeof answer,
    isNeeded = true,
  ) => ({ request, outcome, isNeeded })
  const cases = [
    ['ok', [one('a', answer), one('b', { kind: 'unreadable' }, false)], read.telemetry, []],
    ['partial', [one('a', answer), one('b', { kind: 'auth_failed' })], read.telemetry, []],
    ['partial', [one('a', answer), one('b', answer)], read.telemetry, ['answer_unusable:b']],
    ['unreadable', [one('a', answer)], read.telemetry, ['answer_unusable:a']],
    ['unreadable', [one('a', answer)], nothing, []],
    ['unreadable', [one('a', { kind: 'timeout' }), one('b', { kind: 'unreadable' })], nothing, []],
    ['auth_failed', [one('a', { kind: 'auth_failed' }), one('b', { kind: 'timeout' })], nothing, []],
    ['refused', [one('a', { kind: 'refused' }), one('b', { kind: 'timeout' }, false)], nothing, []],
    ['timeout', [one('a', { kind: 'timeout' }), one('b', { kind: 'refused' })], nothing, []],
    ['timeout', [], nothing, []],
  ] as const
  for (const [expected, asked, telemetry, warnings] of cases) {
    assert.equal(pollResult(asked, telemetry, warnings), expected)
  }
})

test('the roster knows who last stood at an address, also after a restart, and who has moved', () => {
  const fingerprint = (serial: string) => ({ serial, mac: null, mac_arp: null })
  const roster = new Roster(['a', 'b'], null)
  assert.equal(roster.takeChange(), null)
  roster.learn('a', fingerprint('HM-1'))
  roster.learn('b', fingerprint('HM-2'))
  roster.learn('a', { serial: null, mac: null, mac_arp: null })
  const text = roster.takeChange()
  assert.equal(roster.takeChange(), null)
  const next = new Roster(['a', 'b'], text)
  assert.deepEqual([next.of('a').serial, next.of('b').serial], ['HM-1', 'HM-2'])
  assert.equal(next.takeChange(), null)
  next.learn('b', fingerprint('HM-1'))
  assert.deepEqual([next.of('a').serial, next.of('b').serial], [null, 'HM-1'])
  // A router before several machines shows its own MAC for each.
  const behind = { serial: null, mac: null, mac_arp: '02:00:00:00:00:01' }
  next.learn('a', behind)
  next.learn('c', behind)
  assert.deepEqual([next.of('a'), next.of('c')], [behind, behind])
  assert.equal(new Roster(['b'], text).of('a').serial, null, 'an address that is not polled any more')
  for (const broken of ['{', '[]', '{"a":1}']) assert.equal(new Roster(['a'], broken).of('a').serial, null)
})

test('machines of a round are spread over the interval, times do not drift, and rounds that were missed are left out', () => {
  const plan = { startMs: 500, intervalMs: 9_000, machines: 3 }
  let due: Due | null = null
  const times: number[] = []
  for (let poll = 0; poll < 7; poll += 1) {
    due = nextDue(due, 500, plan)
    times.push(due.atMs)
  }
  assert.deepEqual(times, [500, 3_500, 6_500, 9_500, 12_500, 15_500, 18_500])
  assert.deepEqual(nextDue({ round: 1, index: 2, atMs: 15_500 }, 46_000, plan), {
    round: 5,
    index: 0,
    atMs: 45_500,
  })
  assert.deepEqual(nextDue({ round: 1, index: 1, atMs: 12_500 }, 46_000, plan).index, 2)
})

test('the ARP table gives the MACs of entries that are complete', () => {
  const table = [
    'IP address       HW type     Flags       HW address            Mask     Device',
    '10.20.1.7        0x1         0x2         02:00:00:00:04:17     *        eth0',
    '10.20.1.8        0x1         0x0         02:00:00:00:04:18     *        eth0',
    '10.20.1.9        0x1         0x6         00:00:00:00:00:00     *        eth0',
    '',
  ].join('\n')
  assert.deepEqual([...macsIn(table)], [['10.20.1.7', '02:00:00:00:04:17']])
  assert.deepEqual([...macsIn('')], [])
})
