import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { atPct, LiveWorker, T0_MS, TRUSTED } from '../../../test/support/fleet/live/worker.ts'
import type { LiveSample } from '../live/sample.ts'
import { markBroken } from './apply.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

// In Maintenance and Needs Repair, at their edges.

const ms = (atS: number): number => T0_MS + atS * SECOND_MS
const TWO_BOARDS: Partial<LiveSample> = { ...atPct(66), boardsOnline: 2, chipsOnline: null }
const ERROR: Partial<LiveSample> = { ...atPct(94), criticalErrors: 1 }

function mark(worker: LiveWorker, isBroken: boolean, atS: number): void {
  worker.decisions.push(
    ...markBroken(worker.page, worker.i, isBroken, { nowMs: ms(atS), offset: 1n, index: 0 }, worker.context),
  )
}

describe('In Maintenance', () => {
  test('from the edge of a ticket to its other edge, whatever the machine does', () => {
    for (const [state, reason] of [
      ['diagnosing', 'ticket_diagnosing'],
      ['waiting_parts', 'ticket_waiting_parts'],
      ['rma', 'ticket_rma'],
      ['manual', 'maintenance_manual'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.change({ repairs: [{ state, fromMs: ms(45), toMs: ms(400) }] })
      worker.samples(30, 390, atPct(0))
      worker.sample(420, atPct(100))
      assert.deepEqual(worker.history, [`45 in_maintenance/${reason}`, '400 stopped/not_hashing'])
    }
  })

  test('a maintenance window does the same', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({
      windows: [{ kind: 'maintenance', target: 'off', startsAtMs: ms(100), endsAtMs: ms(200) }],
    })
    worker.samples(30, 270, atPct(100))
    assert.deepEqual(worker.history, ['100 in_maintenance/maintenance_window', '200 working/hashing'])
  })

  test('a sample of before the edge that comes after it does not undo it', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.change({ repairs: [{ state: 'rma', fromMs: ms(100), toMs: Number.POSITIVE_INFINITY }] })
    worker.sample(90, atPct(100), 110)
    assert.deepEqual(worker.history, ['100 in_maintenance/ticket_rma'])
  })

  test('a ticket that is done opens the latch of Needs Repair; a mark of maintenance does not', () => {
    for (const [state, then] of [
      ['rma', 'working/hashing'],
      ['manual', 'needs_repair/boards_lost'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, 1_830, TWO_BOARDS)
      assert.equal(worker.now, 'needs_repair/boards_lost')
      worker.change({ repairs: [{ state, fromMs: ms(2_000), toMs: ms(3_000) }] })
      worker.samples(1_860, 3_000, atPct(100))
      assert.equal(worker.now, then)
    }
  })
})

describe('Needs Repair: boards', () => {
  test('lost for 30 minutes', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_800, TWO_BOARDS)
    assert.doesNotMatch(worker.now, /needs_repair/)
    worker.sample(1_830, TWO_BOARDS)
    assert.equal(worker.now, 'needs_repair/boards_lost')
  })

  test('switched off by decision has its own reason, and a lost one beside it comes first', () => {
    for (const [but, reason] of [
      [{ boardsOnline: 2, boardsDisabled: 1 }, 'board_disabled'],
      [{ boardsOnline: 1, boardsDisabled: 1 }, 'boards_lost'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, 1_830, { ...atPct(100), ...but })
      assert.equal(worker.now, `needs_repair/${reason}`)
    }
  })

  test('a board that comes back, or an answer about it, begins anew; no answer does not', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_800, (atS) =>
      atS === 900 ? atPct(100) : { ...TWO_BOARDS, boardsOnline: atS === 1_500 ? null : 2 },
    )
    worker.samples(1_830, 2_700, TWO_BOARDS)
    assert.doesNotMatch(worker.now, /needs_repair/)
    worker.samples(2_730, 2_760, TWO_BOARDS)
    assert.equal(worker.now, 'needs_repair/boards_lost')
  })

  test('not of a machine that sleeps, that a window keeps from hashing, or that comes up', () => {
    const asleep = new LiveWorker(TRUSTED).warm()
    asleep.samples(30, 3_600, { ...atPct(0), boardsOnline: 0, mode: 'sleep' })
    assert.equal(asleep.now, 'stopped/paused')
    const curtailed = new LiveWorker(TRUSTED).warm()
    curtailed.change({
      windows: [{ kind: 'grid', target: 'off', startsAtMs: ms(0), endsAtMs: Number.POSITIVE_INFINITY }],
    })
    curtailed.samples(30, 3_600, { ...atPct(0), boardsOnline: 0 })
    assert.equal(curtailed.now, 'stopped/curtailed')
    const slow = new LiveWorker({ ...TRUSTED }).warm()
    slow.change({ model: { ...slow.context.model, rampMs: 60 * MINUTE_MS } })
    slow.samples(30, 3_570, (atS) => ({ ...TWO_BOARDS, uptimeS: atS }))
    assert.equal(slow.now, 'working/hashing')
  })
})

describe('Needs Repair: critical error', () => {
  test('open for ten minutes at less than 95 %', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 600, ERROR)
    assert.equal(worker.now, 'working/hashing')
    worker.sample(630, ERROR)
    assert.equal(worker.now, 'needs_repair/critical_error')
  })

  test('an old code on a machine at 95 % counts for nothing; the time that it is open does', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 3_600, { ...ERROR, ...atPct(95) })
    assert.equal(worker.now, 'working/hashing')
    worker.sample(3_630, { ...ERROR, ...atPct(95, -1) })
    assert.equal(worker.now, 'needs_repair/critical_error')
  })
})

describe('Needs Repair: restarts', () => {
  /** Healthy samples in which the machine has restarted at each of these seconds. */
  const restarting =
    (...atSs: readonly number[]) =>
    (atS: number): Partial<LiveSample> => {
      const last = atSs.findLast((startS) => startS <= atS)
      return { ...atPct(100), ...(last === undefined ? {} : { uptimeS: atS - last }) }
    }

  test('three within six hours without half an hour of hashing; none of them has to outlive the ramp', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_830, restarting(60, 660, 1_830))
    assert.deepEqual(worker.history, ['1830 needs_repair/restarts'])
  })

  test('four can be asked for, and five cannot be counted', () => {
    for (const [restarts, then] of [
      [4, 'needs_repair/restarts'],
      [5, 'working/hashing'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.change({ thresholds: { ...worker.context.thresholds, restarts } })
      worker.samples(30, 600, restarting(60, 150, 240, 330, 420, 510))
      assert.equal(worker.now, then)
    }
  })

  test('half an hour of hashing forgives the ones before; one sample less does not', () => {
    for (const [thirdS, then] of [
      // The machine hashes from the sample of its restart on.
      [660 + 1_800, 'needs_repair/restarts'],
      [660 + 1_830, 'working/hashing'],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      worker.samples(30, thirdS, restarting(60, 660, thirdS))
      assert.equal(worker.now, then, String(thirdS))
    }
  })

  test('uptime below uptime and time by more than 30 s, not by 30', () => {
    for (const [lostS, restarts] of [
      [30, 0],
      [31, 3],
    ] as const) {
      const worker = new LiveWorker(TRUSTED).warm()
      let slippedS = 0
      worker.samples(30, 90, (atS) => {
        slippedS += lostS
        return { ...atPct(100), uptimeS: 864_000 + atS - slippedS }
      })
      assert.equal(worker.now, restarts === 3 ? 'needs_repair/restarts' : 'working/hashing')
    }
  })

  test('none of these is a fault: after sleep, in a window, after the node was away', () => {
    const asleep = new LiveWorker(TRUSTED).warm()
    asleep.samples(30, 600, (atS) =>
      atS % 60 === 0 ? { ...atPct(100), uptimeS: 5 } : { mode: 'sleep', uptimeS: 100_000 },
    )
    assert.notEqual(asleep.now, 'needs_repair/restarts')
    const curtailed = new LiveWorker(TRUSTED).warm()
    curtailed.change({
      windows: [{ kind: 'curtailment', target: { pct: 60 }, startsAtMs: ms(0), endsAtMs: ms(900) }],
    })
    curtailed.samples(30, 900, restarting(60, 300, 600))
    assert.equal(curtailed.now, 'working/hashing')
    const cut = new LiveWorker(TRUSTED).warm()
    for (const startS of [300, 600, 900]) {
      cut.change({ node: { ...cut.context.node, returnedAtMs: ms(startS) } })
      cut.samples(startS, startS + 60, restarting(startS))
    }
    assert.equal(cut.now, 'working/hashing')
  })
})

describe('the latch', () => {
  test('leaves after an hour of clean hashing; not hashing and silence let the clock stand', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_830, TWO_BOARDS)
    worker.samples(1_860, 3_660, atPct(100))
    // 30 minutes so far. A quarter of an hour at 0, and a silence, add nothing.
    worker.samples(3_690, 4_590, atPct(0))
    assert.equal(worker.now, 'needs_repair/boards_lost')
    worker.samples(5_400, 7_170, atPct(100))
    assert.equal(worker.now, 'needs_repair/boards_lost')
    worker.samples(7_200, 7_230, atPct(100))
    assert.equal(worker.now, 'working/hashing')
  })

  test('a fault in between begins the hour anew', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_830, TWO_BOARDS)
    worker.samples(1_860, 5_400, atPct(100))
    worker.sample(5_430, TWO_BOARDS)
    worker.samples(5_460, 9_030, atPct(100))
    assert.equal(worker.now, 'needs_repair/boards_lost')
    worker.samples(9_060, 9_090, atPct(100))
    assert.equal(worker.now, 'working/hashing')
  })

  test('silence does not leave it; the worker is counted unknown beside', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    worker.samples(30, 1_830, TWO_BOARDS)
    worker.decisions.length = 0
    worker.change({ node: { ...worker.context.node, silentAtMs: ms(2_200) } })
    worker.until(9_000)
    assert.equal(worker.now, 'needs_repair/boards_lost')
    assert.deepEqual(
      worker.changes.map(({ atMs, isUnknown }) => [atMs, isUnknown]),
      [[ms(2_200), true]],
    )
  })

  test('by hand, both ways; what is still wrong has to hold anew', () => {
    const worker = new LiveWorker(TRUSTED).warm()
    mark(worker, true, 10)
    assert.equal(worker.now, 'needs_repair/broken_manual')
    mark(worker, false, 20)
    assert.equal(worker.now, 'working/hashing')
    worker.samples(30, 1_830, TWO_BOARDS)
    mark(worker, false, 1_840)
    assert.doesNotMatch(worker.now, /needs_repair/)
    worker.samples(1_860, 3_630, TWO_BOARDS)
    assert.doesNotMatch(worker.now, /needs_repair/)
    worker.samples(3_660, 3_690, TWO_BOARDS)
    assert.equal(worker.now, 'needs_repair/boards_lost')
  })
})
