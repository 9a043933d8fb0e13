import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawSchedule } from './draw-schedule.ts'
import { readRegressions } from './regressions.ts'
import { run } from './run.ts'

// More of them on demand: node test/simulation/main.ts --seeds 10000
const SEEDS = 100

test('every schedule that once failed passes', async () => {
  for (const [index, { about, schedule }] of readRegressions().entries()) {
    const problems = await run(schedule)
    assert.deepEqual(problems, [], `regression ${index}: ${about}`)
  }
})

test(`${SEEDS} seeds: every event counted once, every cost decided once, every block loaded once`, async () => {
  const failed: string[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [problem] = await run(drawSchedule(seed))
    if (problem !== undefined) failed.push(`seed ${seed}: ${problem}`)
  }
  assert.deepEqual(failed, [], 'replay with node test/simulation/main.ts --seed <number>')
})

test('a seed gives the same run each time', async () => {
  const traceOf = async (seed: number): Promise<string[]> => {
    const lines: string[] = []
    await run(drawSchedule(seed), { trace: (line) => lines.push(line) })
    return lines
  }
  for (const seed of [3, 17, 42]) {
    const first = await traceOf(seed)
    assert.ok(first.length > 10)
    assert.deepEqual(await traceOf(seed), first, `seed ${seed}`)
  }
})
