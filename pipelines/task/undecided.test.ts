import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import type { HaltError } from '../log/records.ts'
import { DECIDE_ATTEMPTS_MAX, UNDECIDED_PER_HOUR_MAX, Undecided, UndecidedError } from './undecided.ts'

const HOUR_MS = 3_600_000

/** Fails at one record, alone in its batch, until it is given up. Returns the halt where it must not be set aside. */
function giveUp(undecided: Undecided, offset: number, index: number | null): HaltError | null {
  for (let attempt = 1; ; attempt++) {
    const next = undecided.next(BigInt(offset), [inputRecord(offset, 0, null)], BigInt(offset + 1))
    const halt = undecided.failed(new UndecidedError(BigInt(offset), index, new Error('no')), next)
    if (attempt === DECIDE_ATTEMPTS_MAX) return halt
    assert.equal(halt, null)
  }
}

const setAsideAt = (undecided: Undecided, offset: number): readonly (number | null)[] =>
  undecided
    .next(BigInt(offset), [inputRecord(offset, 0, null)], BigInt(offset + 1))
    .setAside.map(({ index }) => index)

test('events of one record are set aside one after the other; an event that still fails takes its record along', () => {
  const undecided = new Undecided('usage.metered[0]', new VirtualClock())
  for (const index of [7, 3, 7]) assert.equal(giveUp(undecided, 5, index), null)
  assert.deepEqual(setAsideAt(undecided, 5), [7, 3, null])
  assert.match(giveUp(undecided, 5, 7)?.message ?? '', /usage\.metered\[0\] at offset 5/)
})

test('failures at other positions, or that name another place, do not add up', () => {
  const undecided = new Undecided('usage.metered[0]', new VirtualClock())
  for (let round = 0; round < 2 * DECIDE_ATTEMPTS_MAX; round++) {
    const offset = 5 + (round % 2)
    const next = undecided.next(5n, [inputRecord(5, 0, null), inputRecord(6, 0, null)], 7n)
    assert.equal(undecided.failed(new UndecidedError(BigInt(offset), null, new Error('no')), next), null)
  }
  assert.deepEqual(setAsideAt(undecided, 5), [])
})

test(`beyond ${UNDECIDED_PER_HOUR_MAX} within an hour the partition halts; an hour later there is room again`, () => {
  const clock = new VirtualClock()
  const undecided = new Undecided('usage.metered[0]', clock)
  for (let offset = 0; offset < UNDECIDED_PER_HOUR_MAX; offset++) {
    assert.equal(giveUp(undecided, offset, null), null)
    clock.pass(1_000)
  }
  const halt = giveUp(undecided, UNDECIDED_PER_HOUR_MAX, null)
  assert.equal(halt?.reason, 'cannot_be_decided')
  assert.match(halt?.message ?? '', /100 were set aside within the hour/)
  clock.pass(HOUR_MS)
  assert.equal(giveUp(undecided, UNDECIDED_PER_HOUR_MAX, null), null)
})

test('a failure without any record halts: there is nothing to set aside', () => {
  const undecided = new Undecided('usage.metered[0]', new VirtualClock())
  let halt: HaltError | null = null
  for (let attempt = 0; attempt < DECIDE_ATTEMPTS_MAX; attempt++) {
    halt = undecided.failed(new Error('no'), undecided.next(5n, [], 9n))
  }
  assert.match(halt?.message ?? '', /no record stands there/)
})
