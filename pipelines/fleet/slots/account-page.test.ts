import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GROUP, pageWith, run, WORKER } from '../../../test/support/fleet/account/run.ts'
import { at, BEGIN_MS, series } from '../../../test/support/fleet/account/steps.ts'
import { reading } from '../../../test/support/fleet/account/readings.ts'
import { AccountPage } from './account-page.ts'
import { NOT_COMMISSIONED } from './placement.ts'

describe('a page', () => {
  test('a worker that is not commissioned is in no sum, and has no holes', () => {
    const groupAt = (_: number, atMs: number): number => (atMs < at(300) ? NOT_COMMISSIONED : GROUP)
    const page = AccountPage.empty(BEGIN_MS, { groupAt, isComplete: () => false })
    page.configure(WORKER, { intervalS: 30, spreadS: 0 })
    const ran = run(page, series(0, 150), at(1_200))
    assert.deepEqual(page.holesOf(WORKER), [{ fromMs: at(300), toMs: at(1_080) }])
    assert.equal(ran.cells[0]?.cellMs, at(300))
  })

  test('workers do not see each other', () => {
    const page = AccountPage.empty(BEGIN_MS, { groupAt: (worker) => worker, isComplete: () => false })
    for (const worker of [0, 255]) page.configure(worker, { intervalS: 30, spreadS: 0 })
    page.apply(0, reading(BEGIN_MS))
    page.apply(255, reading(BEGIN_MS, { rateHs: 0 }))
    page.advance(at(600))
    const { cells, minutes } = page.take()
    const kinds = cells
      .filter(({ cellMs }) => cellMs === BEGIN_MS)
      .map(({ worker, seconds }) => [worker, seconds.hashing, seconds.idle])
    assert.deepEqual(kinds, [
      [0, 30, 0],
      [255, 0, 30],
    ])
    assert.deepEqual(new Set(minutes.map(({ group }) => group)), new Set([0, 255]))
  })

  test('says what it cannot do', () => {
    const page = AccountPage.empty(BEGIN_MS, { groupAt: () => GROUP, isComplete: () => false })
    assert.throws(() => page.apply(3, reading(BEGIN_MS)), /No worker is configured at place 3/)
    assert.throws(() => page.configure(256, { intervalS: 30, spreadS: 0 }), /no place 256/)
    assert.throws(() => page.configure(0, { intervalS: 301, spreadS: 0 }), /10 to 300 s, not 301/)
    page.configure(0, { intervalS: 30, spreadS: 0 })
    page.advance(at(600))
    assert.throws(() => page.openBefore(0, BEGIN_MS), /has begun already/)
  })

  test('is read back from its bytes only', () => {
    const page = pageWith(BEGIN_MS, 30)
    run(page, series(0, 600), at(1_200))
    const bytes = page.encode()
    const placement = { groupAt: () => GROUP, isComplete: () => false }
    assert.deepEqual(AccountPage.decode(bytes, placement).encode(), bytes)
    assert.throws(() => AccountPage.decode(bytes.subarray(0, -1), placement), /fewer bytes/)
    assert.throws(() => AccountPage.decode(Buffer.concat([bytes, bytes]), placement), /more bytes/)
    assert.throws(() => AccountPage.decode(Buffer.alloc(4), placement), /format none/)
    const other = Buffer.from(bytes)
    other.writeUInt32LE(77)
    assert.throws(() => AccountPage.decode(other, placement), /format 77/)
    page.advance(at(1_800))
    assert.throws(() => page.encode(), /not taken/)
  })

  test('keeps less than 900 bytes of a worker, besides its holes', () => {
    const bytes =
      AccountPage.empty(BEGIN_MS, { groupAt: () => GROUP, isComplete: () => false }).encode().length / 256
    assert.ok(bytes < 900, `${bytes}`)
  })
})
