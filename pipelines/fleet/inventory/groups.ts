import { ALGORITHMS } from '../../../schemas/fleet/inventory/algorithms.ts'
import type { WorkerGroup } from '../pages/inventory.ts'
import { NOT_COMMISSIONED } from '../slots/placement.ts'
import { numberIn, textIn } from './body.ts'
import type { Book } from './book.ts'
import { KNOWN_ALL, piecesOf } from './versions.ts'
import { assignmentAt } from './where.ts'

/** A group's number is its site's, times this, and the place of its algorithm in `ALGORITHMS` from 1 on; 0 is unknown. */
const ALGORITHM_NUMBERS = 64

/** When a worker counts: log time, on edges of 5 minutes; Infinity where no time is set. */
export interface Commissioned {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * A worker counts from its first version on, or from `commissioned_at` where that is later, until it ends, or until
 * `retired_at` where that is earlier.
 */
export function commissionedOf(book: Book, workerId: string, knownTo: number): Commissioned {
  const versions = book.entity('worker', workerId)?.versions ?? []
  const pieces = piecesOf(versions, knownTo)
  const [first, last] = [pieces[0], pieces.at(-1)]
  // One that ends when it was to begin never counts, and its place is free as if it had.
  if (first === undefined || last === undefined)
    return { fromMs: KNOWN_ALL, toMs: versions.at(-1)?.valid_from ?? KNOWN_ALL }
  const body = last.version.body ?? {}
  return {
    fromMs: Math.max(first.fromMs, numberIn(body, 'commissioned_at') ?? 0),
    toMs: Math.min(last.toMs, numberIn(body, 'retired_at') ?? KNOWN_ALL),
  }
}

/** The number of a worker's group at a time; `NOT_COMMISSIONED` where it does not count then. */
export function groupAt(book: Book, workerId: string, atMs: number, knownTo: number): number {
  const { fromMs, toMs } = commissionedOf(book, workerId, knownTo)
  if (atMs < fromMs || atMs >= toMs) return NOT_COMMISSIONED
  const worker = book.at('worker', workerId, atMs, knownTo)?.body ?? {}
  const model = book.at('model', textIn(worker, 'model'), atMs, knownTo)?.body ?? {}
  const algorithm = ALGORITHMS.findIndex((one) => one === textIn(model, 'algorithm')) + 1
  const assignment = assignmentAt(book, workerId, atMs, knownTo) ?? {}
  const container = textIn(assignment, 'container')
  const location = textIn(assignment, 'location')
  const site =
    container === null
      ? location === null
        ? undefined
        : book.entity('location', location)
      : book.entity('container', container)
  return ((site?.place ?? -1) + 1) * ALGORITHM_NUMBERS + algorithm
}

/** What a group's number stands for. */
export function groupOf(book: Book, group: number): WorkerGroup {
  const algorithm = ALGORITHMS[(group % ALGORITHM_NUMBERS) - 1] ?? ''
  const id = book.sites.holderOf(Math.floor(group / ALGORITHM_NUMBERS) - 1) ?? ''
  const container = book.entity('container', id)
  if (container === undefined) return { algorithm, locationId: id, containerId: '' }
  const location = container.versions
    .map(({ body }) => textIn(body ?? {}, 'location'))
    .find((one) => one !== null)
  return { algorithm, locationId: location ?? '', containerId: id }
}
