import { hasReading, KNOWN } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'

/** Clocks drift and answers take a while: only an uptime that stays further behind the time that passed is a restart. */
const RESTART_SLACK_S = 30

/** Only a counter of 32 bits that was above this has wrapped where it is found lower. */
const WRAP_FROM = 2 ** 31
const WRAP = 2 ** 32

/** What the uptimes say of the time between two readings: the process ran on, it was restarted, or one is missing. */
export type Passage = 'ran' | 'restarted' | 'unknown'

/** By the starts of the mining process that two readings tell, in seconds; `null`: not told. */
export function passageOf(beforeS: number | null, afterS: number | null): Passage {
  if (beforeS === null || afterS === null) return 'unknown'
  return afterS > beforeS + RESTART_SLACK_S ? 'restarted' : 'ran'
}

/**
 * What a counter added between two readings: after a restart its own value, across a wrap of 32 bits the way around, and
 * `null` where it fell for no reason that is known. Never negative.
 */
export function deltaOf(before: number, after: number, passage: Passage, isOf32Bits: boolean): number | null {
  if (passage === 'restarted') return after
  if (after >= before) return after - before
  return isOf32Bits && passage === 'ran' && before > WRAP_FROM ? after + WRAP - before : null
}

/** What the counters added between two readings, whole numbers. */
export interface CounterDeltas {
  accepted: number
  rejected: number
  stale: number
  difficulty: number
  restarts: number
  /** Counters that fell for no known reason: what they added is lost, and nothing is made up. */
  unknown: number
}

export function noDeltas(): CounterDeltas {
  return { accepted: 0, rejected: 0, stale: 0, difficulty: 0, restarts: 0, unknown: 0 }
}

const SHARES = ['accepted', 'rejected', 'stale'] as const
const COUNTERS = [...SHARES, 'difficulty'] as const
type Counter = (typeof COUNTERS)[number]

function startOf(readings: Readings, row: number): number | null {
  return isKnown(readings, row, 'started') ? (readings.startedS[row] as number) : null
}

function isKnown(readings: Readings, row: number, what: keyof typeof KNOWN): boolean {
  return ((readings.known[row] as number) & KNOWN[what]) !== 0
}

/**
 * Fills `deltas` with what the counters added between two readings: nothing where there is none before, since what a
 * machine did before its first reading is not known.
 */
export function countBetween(
  from: Readings,
  row: number,
  to: Readings,
  toRow: number,
  deltas: CounterDeltas,
): CounterDeltas {
  deltas.restarts = 0
  deltas.unknown = 0
  const passage = hasReading(from, row) ? passageOf(startOf(from, row), startOf(to, toRow)) : 'unknown'
  if (passage === 'restarted') deltas.restarts = 1
  for (const name of COUNTERS) deltas[name] = countOne(from, row, to, toRow, name, passage, deltas)
  return deltas
}

function countOne(
  from: Readings,
  row: number,
  to: Readings,
  toRow: number,
  name: Counter,
  passage: Passage,
  deltas: CounterDeltas,
): number {
  if (!isKnown(to, toRow, name)) return 0
  const after = to[name][toRow] as number
  if (!isKnown(from, row, name)) return passage === 'restarted' ? after : 0
  const delta = deltaOf(from[name][row] as number, after, passage, name !== 'difficulty')
  if (delta === null) deltas.unknown++
  return delta ?? 0
}

/**
 * Completes a reading's counters by those of the reading before it, so that the next one is compared with the last value
 * that was told. A restart in between makes them 0.
 */
export function inherit(from: Readings, row: number, to: Readings, toRow: number): void {
  if (!hasReading(from, row)) return
  const isRestarted = passageOf(startOf(from, row), startOf(to, toRow)) === 'restarted'
  for (const name of COUNTERS) {
    if (isKnown(to, toRow, name) || !(isRestarted || isKnown(from, row, name))) continue
    to[name][toRow] = isRestarted ? 0 : (from[name][row] as number)
    to.known[toRow] = (to.known[toRow] as number) | KNOWN[name]
  }
  if (isKnown(to, toRow, 'started') || !isKnown(from, row, 'started')) return
  to.startedS[toRow] = from.startedS[row] as number
  to.known[toRow] = (to.known[toRow] as number) | KNOWN.started
}

/**
 * What a reading that was found between two others adds to what was counted between these already: mostly nothing, and
 * what a restart had hidden. A counter that the reading behind does not tell is left to the ones that follow, which take
 * it from before the gap.
 */
export function countFound(all: CounterDeltas, parts: readonly CounterDeltas[]): CounterDeltas {
  const found = noDeltas()
  for (const name of [...COUNTERS, 'restarts'] as const) {
    const sum = parts.reduce((total, part) => total + part[name], 0)
    found[name] = Math.max(0, sum - all[name])
  }
  return found
}

/** Sets to 0 what a reading does not tell. */
export function onlyTold(deltas: CounterDeltas, readings: Readings, row: number): CounterDeltas {
  for (const name of COUNTERS) if (!isKnown(readings, row, name)) deltas[name] = 0
  return deltas
}

/** Whether there is anything to add. */
export function isNothing(deltas: CounterDeltas): boolean {
  const { accepted, rejected, stale, difficulty, restarts, unknown } = deltas
  return accepted + rejected + stale + difficulty + restarts + unknown === 0
}
