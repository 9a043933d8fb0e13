import type { StoredMark } from '../../../pipelines/blocks/fit.ts'
import { StoreGate } from '../../../pipelines/blocks/store-gate.ts'

/** The installation of tests that need none of their own. */
export const TEST_INSTALLATION = '11111111-2222-4333-8444-555555555555'

/** What ClickHouse knows about a partition of which nothing was loaded, with `fields` changed. */
export function storedMark(fields: Partial<StoredMark> = {}): StoredMark {
  return {
    installationIds: [TEST_INSTALLATION],
    seq: 0,
    watermarkMs: 0,
    position: 0,
    blocksEnd: 0n,
    reloadThrough: 0,
    missingThrough: 0,
    ...fields,
  }
}

/** A gate in front of an empty ClickHouse that answers at once. */
export function emptyStoreGate(): StoreGate {
  const marks = { of: () => storedMark(), queried: Promise.resolve() }
  return new StoreGate({ installationId: TEST_INSTALLATION, topic: 'blocks', partition: 0, marks })
}
