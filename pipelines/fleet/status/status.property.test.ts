import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { drive, QUICK, QUICK_RAMP_MS } from '../../../test/support/fleet/live/drive.ts'
import { secondOf } from '../../../test/support/fleet/live/worker.ts'
import { someLife } from '../../../test/support/fleet/live/random-machine.ts'
import type { Life } from '../../../test/support/fleet/live/random-machine.ts'
import { StatusModel } from '../../../test/support/fleet/live/status-model.ts'
import { addToCounts, classOf, noCounts } from './counts.ts'
import type { Decision } from './decisions.ts'
import type { WorkerPage } from './memory.ts'
import { windowsAt } from '../live/windows.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

const RUNS = { numRuns: 100 }

const historyOf = (decisions: readonly Decision[]): string[] =>
  decisions
    .filter((one) => one.type === 'status')
    .filter(({ was, status, reason }) => was.status !== status || was.reason !== reason)
    .map(({ atMs, status, reason }) => `${secondOf(atMs)} ${status}/${reason}`)

/** What must not depend on how the log was cut into batches: everything but places in the log. */
const told = (decisions: readonly Decision[]): unknown[] =>
  decisions.map(({ evidence: { cause, ...evidence }, ...decision }) => ({
    ...decision,
    evidence,
    cause: cause.by === 'timer' ? cause : cause.by,
  }))

describe('random lives of a machine', () => {
  test('have the statuses, at the times, that a direct reading of their samples gives', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        const expected = new StatusModel(life, QUICK, QUICK_RAMP_MS / SECOND_MS).run()
        assert.deepEqual(historyOf(drive({ life })), expected)
      }),
      { seed: 41, ...RUNS },
    )
  })

  test('ticks that are added, and timers that fire late, change nothing', () => {
    fc.assert(
      fc.property(someLife, fc.array(fc.nat(12_000), { maxLength: 40 }), (life, ticks) => {
        const ticksS = ticks.filter((atS) => atS <= life.endS)
        assert.deepEqual(told(drive({ life, ticksS })), told(drive({ life })))
      }),
      { seed: 42, ...RUNS },
    )
  })

  test('records that come twice change nothing', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        assert.deepEqual(told(drive({ life, isDoubled: true })), told(drive({ life })))
      }),
      { seed: 43, ...RUNS },
    )
  })

  test('a page that is written and read after any record goes on as if it had not been', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        assert.deepEqual(told(drive({ life, renew: copyOf, renewEach: 7 })), told(drive({ life })))
      }),
      { seed: 44, ...RUNS },
    )
  })

  test('always have one status, which counts sum to, and changes that follow each other', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        let last: unknown = null
        let version = 0
        let atMs = Number.NEGATIVE_INFINITY
        drive({
          life,
          after: (page, i, decisions) => {
            const counts = noCounts()
            for (let other = 0; other < 256; other++) addToCounts(counts, page, other)
            assert.equal(counts.commissioned, 1)
            assert.equal(
              Object.values(counts.statuses).reduce((sum, count) => sum + count, 0),
              1,
            )
            for (const one of decisions) {
              assert.ok(one.atMs >= atMs)
              atMs = one.atMs
              if (one.type !== 'status') continue
              assert.equal(one.version, ++version)
              if (last !== null) assert.deepEqual(one.was, last)
              last = { status: one.status, reason: one.reason, isUnknown: one.isUnknown }
              assert.equal(one.reasonSinceMs <= one.atMs && one.statusSinceMs <= one.reasonSinceMs, true)
            }
            const { status, reason, isUnknown } = classOf(page, i) ?? {}
            if (last !== null) assert.deepEqual({ status, reason, isUnknown }, last)
          },
        })
      }),
      { seed: 45, ...RUNS },
    )
  })

  test('never flap between Underperforming and Working within the dwell', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        const hashing = /^(underperforming|working)$/
        let sinceMs = Number.NEGATIVE_INFINITY
        for (const one of drive({ life })) {
          if (one.type !== 'status' || one.status === one.was.status) continue
          if (hashing.test(one.status) && hashing.test(one.was.status ?? '')) {
            assert.ok(one.atMs - sinceMs >= MINUTE_MS)
          }
          sinceMs = one.atMs
        }
      }),
      { seed: 46, ...RUNS },
    )
  })

  test('tell nothing but safety, and the window itself, inside windows and repairs', () => {
    const spoken = /^(temperature_|coolant_|fan_|power_over_cap$|window_not_obeyed$)/
    let silenced = 0
    fc.assert(
      fc.property(someLife, (life) => {
        for (const one of drive({ life })) {
          if (one.type !== 'notice' || !isExcusedAt(life, secondOf(one.atMs))) continue
          assert.match(one.kind, spoken)
          silenced++
        }
      }),
      { seed: 47, ...RUNS },
    )
    assert.ok(silenced > 0, 'no life met a window')
  })

  test('open each record once before it closes, and name it by the kinds that there are', () => {
    fc.assert(
      fc.property(someLife, (life) => {
        const open = new Set<string>()
        for (const one of drive({ life })) {
          if (one.type !== 'notice') continue
          assert.equal(open.has(one.kind), one.action !== 'open')
          if (one.action === 'open') open.add(one.kind)
          if (one.action === 'close') open.delete(one.kind)
        }
      }),
      { seed: 48, ...RUNS },
    )
  })
})

/** A page as a reader of its bytes has it. */
function copyOf(page: WorkerPage): WorkerPage {
  return structuredClone(page)
}

function isExcusedAt({ windows, repairs }: Life, atS: number): boolean {
  if (repairs.some(({ fromS, toS }) => fromS <= atS && atS < toS)) return true
  const state = windowsAt(
    windows.map(({ fromS, toS, target }) => ({
      kind: target === 'maintenance' ? 'maintenance' : 'grid',
      target: target === 'maintenance' ? 'off' : target,
      startsAtMs: fromS,
      endsAtMs: toS,
    })),
    atS,
    QUICK_RAMP_MS / SECOND_MS,
    0,
  )
  return state.isActive || state.isMaintenance || state.isRamping
}
