import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { gatewayTick, scriptOf } from '../../../test/support/fleet/pages/one-worker.ts'
import { workersLog } from '../../../test/support/fleet/pages/workers-log.ts'
import { batch, item, sample } from '../../../test/support/records/fleet-items.ts'
import { fleetRecord } from '../../../test/support/records/fleet-log.ts'
import { CompleteMarks, MARK_AGE_MS_MAX, MARKS_MAX } from './complete-marks.ts'
import { partsOf } from './complete-parts.ts'

const START_MS = Date.UTC(2026, 7, 3, 5)
const at = (seconds: number): number => START_MS + seconds * SECOND_MS

/** A node that polls each 30 s and says after each round that nothing is held back of it; its worker answers until 400 s. */
function told(node: string, nodes = [{ offset: 0, fromMs: 0, value: 'p/l/n' }]) {
  const rounds = Array.from({ length: 40 }, (_, round) => round * 30 + 13)
  const input = rounds.flatMap((atS, round) => {
    const serial = atS < 400 ? 'S' : 'another'
    const spans = [{ from: at(atS - 30), to: at(atS) }]
    const name = { node_id: node, first_seq: round + 1, complete: spans }
    const items = [item({ sample: sample(at(atS), { serial }) })]
    return [
      gatewayTick(2 * round, at(atS)),
      fleetRecord(2 * round + 1, at(atS), { batch: batch(items, name) }),
    ]
  })
  return workersLog(input, scriptOf('S', START_MS, { nodes }))
}

async function unheardS(log: ReturnType<typeof told>): Promise<number> {
  await log.run()
  return log.rows('fleet_1m').reduce((seconds, row) => seconds + Number(row['unheard_s']), 0)
}

test('what a node said to be complete before it settled is unheard, across the edges of what it said', async () => {
  // From 420 s, the first slot that the last sample does not reach, to the last slot that settled at the last full minute.
  assert.equal(await unheardS(told('n')), 600)
})

test('another node says nothing of a worker, also where it polls it later', async () => {
  assert.equal(await unheardS(told('m')), 0)
  const nodes = [
    { offset: 0, fromMs: 0, value: 'p/l/m' },
    { offset: 0, fromMs: at(600), value: 'p/l/n' },
  ]
  assert.equal(await unheardS(told('n', nodes)), 600 - 180)
})

test('a span counts for the times in which the worker was the node’s own', () => {
  const hole = { fromMs: at(0), toMs: at(1_500) }
  const isOwn = (atMs: number): boolean => atMs < at(300) || atMs >= at(900)
  assert.deepEqual(partsOf([hole], [{ fromMs: at(60), toMs: at(1_000) }], isOwn), [
    { fromMs: at(60), toMs: at(300) },
    { fromMs: at(900), toMs: at(1_000) },
  ])
})

test('marks are known from their record on, for some minutes, and no more than so many', () => {
  const marks = new CompleteMarks()
  assert.ok(marks.tell([{ from: at(0), to: at(40) }], at(50), 7))
  assert.ok(marks.tell([{ from: at(40), to: at(90) }], at(95), 9))
  assert.ok(marks.hasSlot(at(0) / 30_000, at(95), 7))
  assert.equal(marks.hasSlot(at(0) / 30_000, at(95), 6), false)
  assert.equal(marks.hasSlot(at(30) / 30_000, at(95), 8), false)
  assert.ok(marks.hasSlot(at(30) / 30_000, at(95), 9))
  assert.deepEqual(marks.saidWith(9, at(95)), [{ fromMs: at(30), toMs: at(90) }])
  const laterMs = at(50) + MARK_AGE_MS_MAX + 1
  assert.equal(marks.hasSlot(at(0) / 30_000, laterMs, 9), false)
  marks.forgetBefore(8, laterMs)
  assert.equal(marks.all.length, 1)
  const many = Array.from({ length: MARKS_MAX + 5 }, (_, nth) => ({ from: at(nth), to: at(nth + 1) }))
  assert.ok(marks.tell(many, at(95), 11))
  assert.equal(marks.all.length, MARKS_MAX)
  assert.equal(marks.tell(many, at(96), 12), false)
  marks.forgetBefore(20, at(96) + MARK_AGE_MS_MAX + MINUTE_MS)
  assert.deepEqual(marks.all, [])
})
