import type * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { bitmainNew } from './bitmain-new.ts'
import { bitmainOld } from './bitmain-old.ts'
import { sequence } from './sequence.ts'

/** A document as a node sends it, and what must come out of it, in the form of a fixture's pair. */
export interface GeneratedPoll {
  readonly document: JsonObject
  readonly expected: JsonObject
}

/**
 * A maker of answers in a vendor's own format: from a random truth (machine-truth.ts, or one of its own) and a random style
 * (styles.ts) it writes the document, and says the truth as telemetry. It shares no code with the adapter.
 */
export interface AnswersGenerator {
  readonly adapter: string
  /** What it varies, for the name of its test. */
  readonly name: string
  readonly polls: fc.Arbitrary<GeneratedPoll>
}

/** One or more for each adapter. */
export const GENERATORS: readonly AnswersGenerator[] = [
  { adapter: 'bitmain', name: 'until 2022', polls: bitmainOld },
  { adapter: 'bitmain', name: 'since 2022', polls: bitmainNew },
  { adapter: 'sequence', name: 'counters of a worker', polls: sequence },
]
