import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawSchedule } from './draw-schedule.ts'
import { run } from './run.ts'
import { SABOTAGES } from './sabotage.ts'
import { shrink } from './shrink.ts'

// A simulation that is always green shows nothing: each guard that is taken away must turn one of these seeds red.
const SEEDS = 30

for (const [guard, { tamper, only, fromSeed = 1 }] of Object.entries(SABOTAGES)) {
  test(`${guard} turns a seed red, which is green without it`, async () => {
    let red: number | undefined
    for (let seed = fromSeed; seed < fromSeed + SEEDS && red === undefined; seed++) {
      if ((await run(drawSchedule(seed, only), { tamper })).length > 0) red = seed
    }
    assert.ok(red !== undefined, `none of ${SEEDS} seeds shows it`)
    assert.deepEqual(await run(drawSchedule(red, only)), [], `seed ${red} by itself`)
  })
}

test('a failing schedule shrinks to the few entries that matter', async () => {
  const { tamper } = SABOTAGES['look-ups that find nothing'] ?? {}
  assert.ok(tamper !== undefined)
  const schedule = drawSchedule(4)
  const fails = async (candidate: typeof schedule): Promise<boolean> =>
    (await run(candidate, { tamper })).some((problem) => problem.includes('two rows'))
  assert.ok(await fails(schedule))
  const smallest = await shrink(schedule, fails, 24)
  assert.ok(
    smallest.entries.length < schedule.entries.length / 2,
    `${smallest.entries.length} entries are left`,
  )
  assert.ok(await fails(smallest))
})
