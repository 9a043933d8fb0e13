import { idsIn, textIn } from './body.ts'
import type { Book } from './book.ts'
import type { Entity } from './entity.ts'

/** The workers that what has changed of an entity concerns, by their ids; each once. */
export function affectedBy(book: Book, { kind, id, versions }: Entity): ReadonlySet<string> {
  switch (kind) {
    case 'worker':
    case 'conflict':
      return new Set([id])
    case 'identity':
    case 'assignment':
    case 'ticket':
      return new Set(versions.flatMap(({ body }) => idsIn(body?.['worker'])))
    case 'provider':
      return new Set(Array.from(book.all('worker'), (worker) => worker.id))
    case 'model':
      return workersNaming(book, 'worker', 'model', id)
    case 'location':
    case 'container':
      return underPlace(book, kind, id)
    case 'window':
      return underWindow(book, versions)
    default:
      return new Set()
  }
}

/**
 * A location's, or a container's with all that are in it: also those that another place named once. Of two containers each
 * may have been in the other, at different times.
 */
function underPlace(book: Book, kind: 'location' | 'container', id: string): ReadonlySet<string> {
  if (kind === 'location') return workersNaming(book, 'assignment', kind, id)
  const workers = new Set<string>()
  const inside = new Set([id])
  for (const above of inside) {
    for (const other of book.all('container'))
      if (other.versions.some(({ body }) => textIn(body ?? {}, 'parent') === above)) inside.add(other.id)
    for (const worker of workersNaming(book, 'assignment', 'container', above)) workers.add(worker)
  }
  return workers
}

function underWindow(book: Book, versions: Entity['versions']): ReadonlySet<string> {
  const workers = new Set<string>()
  for (const { body } of versions) {
    if (body === null) continue
    for (const worker of idsIn(body['workers'])) workers.add(worker)
    const [location, container, customer] = ['location', 'container', 'customer'].map((name) =>
      textIn(body, name),
    )
    const named = [
      location == null ? [] : underPlace(book, 'location', location),
      container == null ? [] : underPlace(book, 'container', container),
      customer == null ? [] : workersNaming(book, 'assignment', 'customer', customer),
    ]
    for (const some of named) for (const worker of some) workers.add(worker)
  }
  return workers
}

/** Workers of which an entity of a kind names this id: an assignment's worker, or the worker itself. */
function workersNaming(
  book: Book,
  kind: 'assignment' | 'worker',
  field: string,
  id: string,
): ReadonlySet<string> {
  const workers = new Set<string>()
  for (const entity of book.all(kind)) {
    if (!entity.versions.some(({ body }) => textIn(body ?? {}, field) === id)) continue
    if (kind === 'worker') workers.add(entity.id)
    else
      for (const { body } of entity.versions)
        for (const worker of idsIn(body?.['worker'])) workers.add(worker)
  }
  return workers
}
