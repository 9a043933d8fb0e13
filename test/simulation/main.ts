import { parseArgs } from 'node:util'
import { systemClock } from '../../pipelines/clock.ts'
import { drawSchedule } from './draw-schedule.ts'
import { keepRegression, readRegressions } from './regressions.ts'
import { run } from './run.ts'
import type { Schedule } from './schedule.ts'
import { shrink } from './shrink.ts'

/*
 * node test/simulation/main.ts --seeds 10000 [--from 1]   runs seeds; failing ones shrink and are kept
 * node test/simulation/main.ts --seed 17                  replays one with a trace
 * node test/simulation/main.ts --regression 0             replays a kept one with a trace
 */

const SHRINK_RUNS_MAX = 120
const KEPT_MAX = 3
const PROGRESS_SEEDS = 500

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** A problem without the parts that differ from run to run. */
const kindOf = (problems: readonly string[]): string =>
  (problems[0] ?? '').replaceAll(/\d+/g, 'N').slice(0, 40)

async function replay(schedule: Schedule): Promise<number> {
  for (const entry of schedule.entries) say(JSON.stringify(entry))
  const problems = await run(schedule, { trace: say })
  for (const problem of problems) say(`PROBLEM ${problem}`)
  return problems.length === 0 ? 0 : 1
}

async function keep(seed: number, schedule: Schedule, problems: readonly string[]): Promise<void> {
  const kind = kindOf(problems)
  const fails = async (candidate: Schedule): Promise<boolean> => kindOf(await run(candidate)) === kind
  const smallest = await shrink(schedule, fails, SHRINK_RUNS_MAX)
  keepRegression({ about: `seed ${seed}: ${problems[0] ?? ''}`, schedule: smallest })
  say(
    `  shrunk from ${schedule.entries.length} to ${smallest.entries.length} entries, kept in regressions.json`,
  )
}

async function runSeeds(from: number, count: number): Promise<number> {
  const startMs = systemClock.monotonicMs()
  let failed = 0
  for (let seed = from; seed < from + count; seed++) {
    const schedule = drawSchedule(seed)
    const problems = await run(schedule)
    if (problems.length > 0) {
      say(`seed ${seed} fails:`)
      for (const problem of problems) say(`  ${problem}`)
      if (failed++ < KEPT_MAX) await keep(seed, schedule, problems)
    }
    const done = seed - from + 1
    if (done % PROGRESS_SEEDS === 0 || done === count) {
      const perSecond = done / ((systemClock.monotonicMs() - startMs) / 1_000)
      say(`${done} seeds, ${failed} failed, ${perSecond.toFixed(1)} a second`)
    }
  }
  return failed === 0 ? 0 : 1
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      regression: { type: 'string' },
    },
  })
  if (values.seed !== undefined) return await replay(drawSchedule(Number(values.seed)))
  if (values.regression !== undefined) {
    const kept = readRegressions()[Number(values.regression)]
    if (kept === undefined) throw new Error(`There is no regression ${values.regression}.`)
    say(kept.about)
    return await replay(kept.schedule)
  }
  return await runSeeds(Number(values.from), Number(values.seeds))
}

process.exitCode = await main()
