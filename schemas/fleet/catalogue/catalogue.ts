import type { CatalogueEntry } from './entry.ts'
import { AMD, NVIDIA } from './gpus.ts'
import { ETHASH, KASPA, OTHERS, SCRYPT } from './other-algorithms.ts'
import { BITMAIN_SHA256, CANAAN_SHA256, MICROBT_SHA256, OTHER_SHA256 } from './sha256.ts'

/**
 * Models that a provider can take into its inventory as they stand here. Rate and watts are those that the maker specifies
 * for the variant in the name, at its usual temperature; machines differ by some percent. Of how a model is built only what
 * is the same in all its batches is here. Nothing decides by this list: a provider's own record of a model does.
 */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...BITMAIN_SHA256,
  ...MICROBT_SHA256,
  ...CANAAN_SHA256,
  ...OTHER_SHA256,
  ...SCRYPT,
  ...KASPA,
  ...ETHASH,
  ...OTHERS,
  ...NVIDIA,
  ...AMD,
]
