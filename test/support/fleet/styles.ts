import * as fc from 'fast-check'
import { NUMBER_STYLES } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'
import type { Style } from '../../../infra/local/fleet-sample/machines/answers/writing.ts'

/** Any of the ways in which the same is written. */
export const anyStyle: fc.Arbitrary<Style> = fc.record({
  numbers: fc.constantFrom(...NUMBER_STYLES),
  order: fc.nat(1_000),
})
