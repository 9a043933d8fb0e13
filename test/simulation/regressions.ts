import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Schedule } from './schedule.ts'

/** A schedule that once failed, and why: it is replayed before anything else. */
export interface Regression {
  /** What was wrong, in a sentence. */
  readonly about: string
  readonly schedule: Schedule
}

const FILE = fileURLToPath(new URL('./regressions.json', import.meta.url))

/** All schedules that were ever kept. */
export function readRegressions(): Regression[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Regression[]
}

/** Keeps a failing schedule for later runs. */
export function keepRegression(regression: Regression): void {
  const kept = [...readRegressions(), regression]
  writeFileSync(FILE, `${JSON.stringify(kept, undefined, 2)}\n`)
}
