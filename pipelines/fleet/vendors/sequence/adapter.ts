import { SECOND_MS } from '../../../../schemas/units.ts'
import type { CounterDelta, CounterSeries } from '../../counters.ts'
import type { AdapterInput } from '../adapter.ts'
import { timeText } from '../reading/clocks.ts'
import type { Warnings } from '../reading/warnings.ts'
import { MeterSteps } from './meter.ts'
import type { Step, Uptime } from './miner-counter.ts'
import { MinerCounterSteps } from './miner-counter.ts'
import { MINER_COUNTERS, orderedSamples } from './samples.ts'
import type { Sample } from './samples.ts'

/** How far uptime may stay behind the time that has passed before it is a restart: clocks drift, answers take a while. */
export const UPTIME_SLACK_S = 30

/** A step between samples longer than this many usual ones is a gap. */
export const GAP_INTERVALS = 2.5

/**
 * What the counters of one machine say over several samples, in the order of observation whatever the order of arrival.
 * A restart shows by the uptime, not by a counter that falls: after a long gap it may be higher than before.
 */
export function readSequence({ answers, warnings }: AdapterInput): CounterSeries {
  const { samples, repeats, late } = orderedSamples(answers.of('samples'))
  const counters = MINER_COUNTERS.map((name) => ({ name, steps: new MinerCounterSteps() }))
  const meter = new MeterSteps()
  const uptimes = uptimesOf(samples)
  const deltas = samples.map((sample, index): CounterDelta => {
    const uptime = uptimes[index] ?? 'unknown'
    const steps = counters.map(({ name, steps: own }) => ({ name, step: own.next(sample[name], uptime) }))
    const energy = meter.next(sample.energyWhTotal)
    for (const { name, step } of steps)
      if (step.kind === 'decreased') warnings.note('counter_decreased', name)
    if (energy.isReset) warnings.note('meter_reset')
    const [accepted, diffAccepted] = steps
    return {
      event_id: sample.eventId,
      observed_at: timeText(sample.observedAtMs) ?? '',
      accepted: accepted?.step.delta ?? null,
      diff_accepted: diffAccepted?.step.delta ?? null,
      energy_wh: energy.delta,
      reason: reasonOf(steps, uptime, energy.isReset),
    }
  })
  warnOfGaps(samples, warnings)
  return {
    deltas,
    totals: {
      accepted: sumOfKnown(deltas.map(({ accepted }) => accepted)),
      diff_accepted: sumOfKnown(deltas.map((delta) => delta.diff_accepted)),
      energy_wh: sumOfKnown(deltas.map((delta) => delta.energy_wh)),
      restarts: uptimes.filter((uptime) => uptime === 'restart').length,
      repeats,
      late,
    },
  }
}

/** For each sample what its uptime says, beside the last one before it that was known. */
function uptimesOf(samples: readonly Sample[]): Uptime[] {
  let last: { readonly uptimeS: number; readonly atMs: number } | null = null
  return samples.map(({ uptimeS, observedAtMs: atMs }): Uptime => {
    if (uptimeS === null) return 'unknown'
    const before = last
    last = { uptimeS, atMs }
    if (before === null) return 'unknown'
    const expectedS = before.uptimeS + (atMs - before.atMs) / SECOND_MS
    return uptimeS < expectedS - UPTIME_SLACK_S ? 'restart' : 'grown'
  })
}

function warnOfGaps(samples: readonly Sample[], warnings: Warnings): void {
  const stepsMs = samples
    .slice(1)
    .map(({ observedAtMs }, index) => observedAtMs - (samples[index]?.observedAtMs ?? 0))
  const usualMs = stepsMs.toSorted((left, right) => left - right)[Math.floor((stepsMs.length - 1) / 2)] ?? 0
  for (const stepMs of stepsMs) {
    if (stepMs > GAP_INTERVALS * usualMs) warnings.note('gap', `${Math.round(stepMs / SECOND_MS)}s`)
  }
}

function reasonOf(
  steps: readonly { readonly name: string; readonly step: Step }[],
  uptime: Uptime,
  isReset: boolean,
): string | null {
  const special = steps.flatMap(({ name, step }) =>
    step.kind === 'wrap' || step.kind === 'decreased' || step.kind === 'missing'
      ? [`${step.kind}:${name}`]
      : [],
  )
  const isFirst = steps.some(({ step }) => step.kind === 'first')
  const parts = [
    ...(isFirst ? ['first'] : []),
    ...(uptime === 'restart' ? ['restart'] : []),
    ...special,
    ...(isReset ? ['meter_reset'] : []),
  ]
  return parts.length === 0 ? null : parts.join('; ')
}

/** Null where no delta is known: then nothing was counted that could be 0. */
function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}
