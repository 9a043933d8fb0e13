import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atPct, LiveWorker, ORDINARY, POWER_W, TRUSTED } from '../../../test/support/fleet/live/worker.ts'
import { ENGINES, engineOf } from './engine.ts'
import type { Engine } from './engine.ts'
import { PAGE_PARTS } from './memory.ts'
import { NOTICE_KINDS } from './notices/kinds.ts'
import { REASONS } from './statuses.ts'

const SLOW = { ...atPct(80), powerW: POWER_W * 0.8 }
const BYTES = { f64: 8, i64: 8, i32: 4, u32: 4, u16: 2, u8: 1 } as const
const WORKER_BYTES_MAX = 520

test('a worker takes about half a kilobyte', () => {
  let bytes = 0
  for (const { places, fields } of Object.values(PAGE_PARTS)) {
    for (const kind of Object.values(fields)) bytes += places * BYTES[kind]
  }
  assert.ok(bytes <= WORKER_BYTES_MAX, String(bytes))
})

test('every reason stands in the table of rules, and every kind in the rules of notifications, once', () => {
  for (const { rules, notices } of ENGINES) {
    const reasons = rules.flatMap(({ reason }) => (reason === 'as_before' ? [] : [reason]))
    assert.deepEqual(reasons.toSorted(), REASONS.filter((reason) => reason !== 'none').toSorted())
    const kinds = notices.map(({ kind }) => kind)
    assert.deepEqual([...kinds, 'status'].toSorted(), [...NOTICE_KINDS].toSorted())
  }
})

test('a build decides by the engine that is asked for, and by no other', () => {
  const [first] = ENGINES
  assert.ok(first !== undefined)
  // The next version: a low rate is no reason to call a machine underperforming.
  const next: Engine = {
    ...first,
    version: first.version + 1,
    rules: first.rules.filter(({ reason }) => reason !== 'low_rate'),
  }
  const engines = [first, next]
  for (const [version, then] of [
    [first.version, 'underperforming/low_rate'],
    [next.version, 'working/hashing'],
  ] as const) {
    const worker = new LiveWorker({ ...TRUSTED, engine: engineOf(version, engines) }).warm()
    worker.samples(30, 1_200, SLOW)
    assert.equal(worker.now, then)
    worker.sample(1_230, { isMining: false })
    assert.equal(worker.changes.at(-1)?.evidence.engine, version)
  }
  assert.throws(() => engineOf(9, engines), /engine 9.*carries 1, 2/)
})

test('a change under way stays where another engine takes over', () => {
  const [first] = ENGINES
  assert.ok(first !== undefined)
  const worker = new LiveWorker(TRUSTED).warm()
  worker.samples(30, 1_200, SLOW)
  worker.change({ engine: { ...first, version: 2 } })
  worker.samples(1_230, 1_500, SLOW)
  assert.equal(worker.now, 'underperforming/low_rate')
})

test('a rule that no worker meets is a mistake of the build', () => {
  const [first] = ENGINES
  assert.ok(first !== undefined)
  const engine = { ...first, rules: first.rules.slice(0, -1) }
  const worker = new LiveWorker()
  worker.change({ ...ORDINARY, engine })
  assert.throws(() => worker.samples(0, 300), /no rule that holds always/)
})
