import * as fc from 'fast-check'
import type { LiveSample, PollFailure } from '../../../../pipelines/fleet/live/sample.ts'
import { HASHES_PER_DIFFICULTY } from '../../../../pipelines/fleet/live/shares.ts'
import type { WindowTarget } from '../../../../pipelines/fleet/live/windows.ts'
import type { Repair } from '../../../../pipelines/fleet/status/context.ts'
import { healthy, RATE_HS } from './worker.ts'

/** Everything that happens to one random machine, in whole seconds of a test, in the order of the log. */
export interface Life {
  readonly intervalS: number
  readonly records: readonly LifeRecord[]
  readonly windows: readonly {
    readonly fromS: number
    readonly toS: number
    readonly target: WindowTarget | 'maintenance'
  }[]
  readonly repairs: readonly {
    readonly fromS: number
    readonly toS: number
    readonly state: Repair['state']
  }[]
  readonly endS: number
}

export type LifeRecord =
  | { readonly atS: number; readonly kind: 'contact' }
  | { readonly atS: number; readonly kind: 'sample'; readonly tS: number; readonly sample: LiveSample }
  | { readonly atS: number; readonly kind: 'poll'; readonly tS: number; readonly result: PollFailure }

const PHASES = [
  'healthy',
  'healthy',
  'healthy',
  'slow',
  'almost',
  'still',
  'asleep',
  'hot',
  'no pool',
  'board lost',
  'board disabled',
  'error',
  'few chips',
  'thirsty',
  'tuning',
  'no rate',
  'restart',
  'crash loop',
  'crash loop',
  'refused',
  'redirected',
  'unreachable',
  'unreadable',
  'silent',
  'node away',
  'stale',
  'noisy',
] as const
type PhaseKind = (typeof PHASES)[number]

interface Phase {
  readonly kind: PhaseKind
  readonly polls: number
  readonly delayS: number
}

const OF_KIND: Partial<Record<PhaseKind, Partial<LiveSample>>> = {
  slow: { rateNowHs: RATE_HS * 0.6 },
  almost: { rateNowHs: RATE_HS * 0.92 },
  still: { rateNowHs: 0 },
  asleep: { rateNowHs: 0, mode: 'sleep' },
  hot: { rateNowHs: 0, isHeatStopped: true, chipMaxC: 99 },
  'no pool': { rateNowHs: 0, poolsAlive: 0 },
  'board lost': { rateNowHs: RATE_HS * 0.66, boardsOnline: 2 },
  'board disabled': { boardsOnline: 2, boardsDisabled: 1 },
  error: { rateNowHs: RATE_HS * 0.8, criticalErrors: 1 },
  'few chips': { chipsOnline: 250 },
  thirsty: { powerW: 4_200 },
  tuning: { rateNowHs: RATE_HS * 0.4, mode: 'tuning' },
  'no rate': { rateNowHs: null },
}

const NOISE_PCT = [0, 5, 10, 11, 15, 16, 50, 89, 90, 91, 93, 94, 100, 120] as const

const spans = <Of>(what: fc.Arbitrary<Of>) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 1, max: 3_000 }), what), {
    maxLength: 2,
  })

/** A random life of one machine, seen by one node. */
export const someLife: fc.Arbitrary<Life> = fc
  .record({
    intervalS: fc.constantFrom(10, 30, 30, 60, 200),
    phases: fc.array(
      fc.record({
        kind: fc.constantFrom(...PHASES),
        lengthS: fc.integer({ min: 1, max: 1_200 }),
        delayS: fc.integer({ min: 0, max: 50 }),
      }),
      { minLength: 1, maxLength: 10 },
    ),
    noise: fc.array(fc.nat(NOISE_PCT.length - 1), { minLength: 16, maxLength: 16 }),
    windows: spans(
      fc.constantFrom<WindowTarget | 'maintenance'>('off', { pct: 60 }, { pct: 30 }, 'maintenance'),
    ),
    repairs: spans(fc.constantFrom<Repair['state']>('diagnosing', 'rma', 'manual')),
  })
  .map(({ intervalS, phases: lengths, noise, windows, repairs }) => {
    const phases = lengths.map(({ lengthS, ...phase }) => ({
      ...phase,
      polls: Math.ceil(lengthS / intervalS),
    }))
    const { records, endS } = recordsOf(phases, intervalS, noise)
    return {
      intervalS,
      records,
      endS,
      windows: windows.map(([fromS, lengthS, target]) => ({ fromS, toS: fromS + lengthS, target })),
      repairs: repairs.map(([fromS, lengthS, state]) => ({ fromS, toS: fromS + lengthS, state })),
    }
  })

function recordsOf(
  phases: readonly Phase[],
  intervalS: number,
  noise: readonly number[],
): { readonly records: LifeRecord[]; readonly endS: number } {
  const records: LifeRecord[] = []
  const counters = { sharesAccepted: 0, sharesRejected: 0, sharesStale: 0, difficultyAccepted: 0 }
  let atS = 0
  let startS = -864_000
  let count = 0
  for (const { kind, polls, delayS } of phases) {
    for (let n = 0; n < polls; n++) {
      if ((kind === 'restart' && n === 0) || (kind === 'crash loop' && n % 3 === 0)) {
        startS = atS
        Object.assign(counters, {
          sharesAccepted: 0,
          sharesRejected: 0,
          sharesStale: 0,
          difficultyAccepted: 0,
        })
      }
      atS += intervalS
      const pct = NOISE_PCT[noise[count++ % noise.length] ?? 0] ?? 100
      const but = kind === 'noisy' ? { rateNowHs: (RATE_HS / 100) * pct } : OF_KIND[kind]
      const tS = kind === 'stale' ? atS - 200 : atS
      const told = { ...healthy(tS), uptimeS: tS - startS, ...but }
      counters.sharesAccepted += 20
      counters.sharesRejected += kind === 'refused' ? 2 : 0
      counters.sharesStale += kind === 'refused' ? 1 : 0
      const part = kind === 'redirected' ? 0.5 : 1
      counters.difficultyAccepted += (part * (told.rateNowHs ?? RATE_HS) * intervalS) / HASHES_PER_DIFFICULTY
      const delay = delayS % Math.min(50, intervalS)
      if (kind === 'unreachable') records.push({ kind: 'poll', atS, tS: atS, result: 'timeout' })
      else if (kind === 'unreadable') records.push({ kind: 'poll', atS, tS: atS, result: 'auth_failed' })
      else if (kind !== 'silent' && kind !== 'node away') {
        records.push({ kind: 'sample', atS: atS + delay, tS, sample: { ...told, ...counters } })
      }
    }
  }
  const endS = atS + 2_000
  return { records: withContacts(records, phases, intervalS, endS), endS }
}

/** A node is in contact every 30 s but for the phases in which it is away. */
function withContacts(
  records: readonly LifeRecord[],
  phases: readonly Phase[],
  intervalS: number,
  endS: number,
): LifeRecord[] {
  const away: { fromS: number; toS: number }[] = []
  let atS = 0
  for (const { kind, polls } of phases) {
    const fromS = atS
    atS += polls * intervalS
    if (kind === 'node away') away.push({ fromS, toS: atS })
  }
  const contacts: LifeRecord[] = []
  for (let at = 0; at <= endS; at += 30) {
    if (!away.some(({ fromS, toS }) => fromS < at && at <= toS)) contacts.push({ kind: 'contact', atS: at })
  }
  // What a node sends is a contact too, so nothing of it is in the log while it is away.
  const told = records.filter(({ atS }) => !away.some(({ fromS, toS }) => fromS < atS && atS <= toS))
  return [...contacts, ...told].toSorted((left, right) => left.atS - right.atS)
}
