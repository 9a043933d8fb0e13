import type { Body } from '../../../schemas/fleet/inventory/fields.ts'
import { textIn } from './body.ts'
import type { Book } from './book.ts'
import { ofWorker } from './index-keys.ts'
import { versionAt } from './versions.ts'

/** Where a worker is assigned to at a time: what its assignment says then; null where it has none. */
export function assignmentAt(book: Book, workerId: string, atMs: number, knownTo: number): Body | null {
  for (const { kind, versions } of book.keyed(ofWorker(workerId))) {
    const body = kind === 'assignment' ? versionAt(versions, atMs, knownTo)?.body : null
    if (body != null) return body
  }
  return null
}

/** Whether a node of a location sees a worker that is assigned to another one. */
export function isMisplaced(
  book: Book,
  workerId: string,
  locationId: string,
  { atMs, knownTo }: { readonly atMs: number; readonly knownTo: number },
): boolean {
  const assignment = assignmentAt(book, workerId, atMs, knownTo)
  return assignment !== null && textIn(assignment, 'location') !== locationId
}
