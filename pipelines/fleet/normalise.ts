import { complete } from './complete.ts'
import type { CounterSeries } from './counters.ts'
import type { Poll } from './poll.ts'
import type { Telemetry } from './telemetry.ts'
import { ADAPTERS } from './vendors/adapters.ts'
import { Answers } from './vendors/reading/answers.ts'
import { Warnings } from './vendors/reading/warnings.ts'

/** What a poll says: telemetry, or the deltas of counters over several samples; or that no adapter reads such answers. */
export type Normalised =
  | { readonly telemetry: Telemetry; readonly warnings: readonly string[] }
  | (CounterSeries & { readonly warnings: readonly string[] })
  | 'unsupported'

/**
 * Turns the raw answers of one poll into what they say. Pure, and never throws: what cannot be read is null, with a warning.
 * No text that stands under a key of passwords, or in a place that no adapter reads, comes out.
 */
export function normalise({ adapter: name, answers: raw, context, collectedAtMs }: Poll): Normalised {
  const adapter = ADAPTERS.get(name)
  if (adapter === undefined) return 'unsupported'
  const warnings = new Warnings()
  const input = { answers: new Answers(raw, warnings), context, collectedAtMs, warnings }
  if (adapter.gives === 'counters') return { ...adapter.read(input), warnings: warnings.list() }
  return { telemetry: complete(adapter.read(input), context), warnings: warnings.list() }
}
