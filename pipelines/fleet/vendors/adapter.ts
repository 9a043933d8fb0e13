import type { CounterSeries } from '../counters.ts'
import type { MachineContext } from '../poll.ts'
import type { Reading } from '../reading.ts'
import type { Answers } from './reading/answers.ts'
import type { Warnings } from './reading/warnings.ts'

/** What an adapter gets: the answers, what the inventory knows, the node's clock at the poll, and where to put warnings. */
export interface AdapterInput {
  readonly answers: Answers
  readonly context: MachineContext
  readonly collectedAtMs: number
  readonly warnings: Warnings
}

/**
 * A vendor's adapter: a pure function that never throws, whatever the answers hold. What is missing, unusable or out of
 * bounds is null or left out; `complete.ts` does what holds for every vendor.
 */
export type Adapter =
  | { readonly gives: 'telemetry'; readonly read: (input: AdapterInput) => Reading }
  | { readonly gives: 'counters'; readonly read: (input: AdapterInput) => CounterSeries }
