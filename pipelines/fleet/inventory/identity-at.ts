import type { FleetNodeName } from '../../../schemas/fleet/records.ts'
import type { Identity } from '../judge.ts'
import type { Book } from './book.ts'
import { namedBy } from './named.ts'
import type { NamedWorker } from './named.ts'
import { isMisplaced } from './where.ts'

/** What a provider's inventory says about the items of one batch: by the versions that were known before its record. */
export function identityAt(
  book: Book | undefined,
  { location_id, node_id }: FleetNodeName,
  knownTo: number,
): Identity {
  if (book === undefined) return NOBODY
  return {
    named: (machine) => namedBy(book, machine, node_id, { atMs: machine.observed_at, knownTo }),
    isMisplaced: (worker, machine) =>
      isMisplaced(book, worker, location_id, { atMs: machine.observed_at, knownTo }),
  }
}

const NONE: NamedWorker = { by: 'none' }

/** A provider without an inventory: nobody knows any machine. */
const NOBODY: Identity = { named: () => NONE, isMisplaced: () => false }
