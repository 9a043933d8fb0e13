import { hashToUuid, formatUuid } from '../../../schemas/ids.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import { textIn } from './body.ts'
import type { Book } from './book.ts'
import type { Made } from './decide.ts'
import { exclusiveFault } from './exclusive.ts'
import { ofWorker } from './index-keys.ts'
import type { News } from './named.ts'
import { edgeAtOrAfter, KNOWN_ALL, versionAt } from './versions.ts'

/**
 * Versions that follow from items and not from commands. They must be made once, also where the record is applied again to
 * pages from before it: so each asks whether it is there already, by what came with this record or before.
 */

/** A conflict lasts so long after the last item that shows it … */
export const CONFLICT_MS = 10 * MINUTE_MS
/** … and is prolonged when less than this is left, so that it has few versions. */
export const CONFLICT_LEFT_MS_MIN = 5 * MINUTE_MS

/** Who stands as the author of such versions. */
const BY_TASK = 'fleet'

/** The record of an item. */
export interface ItemPlace {
  readonly nowMs: number
  readonly offset: number
}

/** Whether two machines claim to be the worker, by the records before this one: all items of one record see the same. */
export function isInConflict(book: Book, workerId: string, { nowMs, offset }: ItemPlace): boolean {
  return book.at('conflict', workerId, nowMs, offset - 1) !== null
}

/** The version with which a worker's conflict begins or goes on; none where it lasts for long enough. */
export function conflictVersions(book: Book, workerId: string, { nowMs, offset }: ItemPlace): Made[] {
  const versions = book.entity('conflict', workerId)?.versions ?? []
  if (versions.some(({ known_offset }) => known_offset === offset)) return []
  const known = versions.filter(({ known_offset }) => known_offset < offset)
  const present = versionAt(known, nowMs)
  if (present !== null && (present.valid_to ?? KNOWN_ALL) - nowMs >= CONFLICT_LEFT_MS_MIN) return []
  return [
    {
      kind: 'conflict',
      id: workerId,
      version: {
        version: (known.at(-1)?.version ?? 0) + 1,
        valid_from: nowMs,
        valid_to: nowMs + CONFLICT_MS,
        known_at: nowMs,
        known_offset: offset,
        by: BY_TASK,
        body: { worker: workerId },
      },
    },
  ]
}

/**
 * The versions with which a value that a worker's machine has told often enough becomes its own, and the one before it of
 * this kind is over: from the next edge on. None where the value is another worker's by then, or has become its own.
 */
export function identityVersions(
  book: Book,
  workerId: string,
  { kind, form }: News,
  { nowMs, offset }: ItemPlace,
): Made[] {
  const fromMs = edgeAtOrAfter(nowMs)
  const id = formatUuid(hashToUuid(`identity/${workerId}/${kind}/${form}/${offset}`))
  const body = { worker: workerId, kind, value: form }
  const span = { fromMs, toMs: KNOWN_ALL }
  if (book.entity('identity', id) !== undefined) return []
  if (exclusiveFault(book, 'identity', id, body, span, offset) !== null) return []
  const known = { valid_to: null, known_at: nowMs, known_offset: offset, by: BY_TASK }
  const begun = { kind: 'identity', id, version: { ...known, version: 1, valid_from: fromMs, body } } as const
  return [begun, ...endedOf(book, workerId, kind, fromMs, known)]
}

function endedOf(
  book: Book,
  workerId: string,
  ofKind: string,
  fromMs: number,
  known: Pick<Made['version'], 'valid_to' | 'known_at' | 'known_offset' | 'by'>,
): Made[] {
  const ended: Made[] = []
  for (const { kind, id, versions } of book.keyed(ofWorker(workerId))) {
    const present = kind === 'identity' ? versionAt(versions, fromMs, known.known_offset) : null
    if (present?.body == null || textIn(present.body, 'kind') !== ofKind) continue
    const version = (versions.at(-1)?.version ?? 0) + 1
    ended.push({ kind: 'identity', id, version: { ...known, version, valid_from: fromMs, body: null } })
  }
  return ended
}
