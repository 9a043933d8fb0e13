import type * as fc from 'fast-check'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { bitmainNew } from './bitmain-new.ts'
import { bitmainOld } from './bitmain-old.ts'
import { sequence } from './sequence.ts'
import { avalon } from './avalon.ts'
import { braiinsGraphql } from './braiins/graphql.ts'
import { braiinsRest } from './braiins/rest.ts'
import { epic } from './epic.ts'
import { luxos } from './luxos.ts'
import { vnish } from './vnish.ts'
import { whatsminerV2 } from './whatsminer/v2.ts'
import { whatsminerV3 } from './whatsminer/v3.ts'
import { auradine } from './auradine.ts'
import { espminer } from './espminer.ts'
import { hiveos } from './hiveos.ts'
import { iceriver } from './iceriver.ts'
import { nvidiaSmi } from './nvidia-smi.ts'
import { sealminer } from './sealminer.ts'

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
  { adapter: 'avalon', name: 'the text of a module', polls: avalon },
  { adapter: 'braiins', name: 'GraphQL', polls: braiinsGraphql },
  { adapter: 'braiins', name: 'the public interface', polls: braiinsRest },
  { adapter: 'epic', name: 'boards in two lists', polls: epic },
  { adapter: 'luxos', name: 'boards as they arrived', polls: luxos },
  { adapter: 'vnish', name: 'two units', polls: vnish },
  { adapter: 'whatsminer', name: 'version 2', polls: whatsminerV2 },
  { adapter: 'whatsminer', name: 'version 3', polls: whatsminerV3 },
  { adapter: 'auradine', name: 'texts with units, and sleep', polls: auradine },
  { adapter: 'espminer', name: 'releases and a fork', polls: espminer },
  { adapter: 'hiveos', name: 'rigs with several miners', polls: hiveos },
  { adapter: 'iceriver', name: 'the user panel', polls: iceriver },
  { adapter: 'nvidia-smi', name: 'tables of cards', polls: nvidiaSmi },
  { adapter: 'sealminer', name: 'flat statistics', polls: sealminer },
]
