import { textIn } from '../../../../pipelines/fleet/inventory/body.ts'
import type { Book } from '../../../../pipelines/fleet/inventory/book.ts'
import type { Registered } from './registered.ts'

/** Which workers a view is about; what is not given chooses all. */
export interface FleetFilter {
  readonly algorithm?: string | undefined
  readonly location?: string | undefined
  /** With all that it holds. */
  readonly container?: string | undefined
  readonly customer?: string | undefined
}

/** Whether a worker is one of those that a filter means. */
export function matcherOf(
  { algorithm, location, customer }: FleetFilter,
  containers: ReadonlySet<string> | null,
): (of: Registered) => boolean {
  return (of) =>
    (algorithm === undefined || of.algorithm === algorithm) &&
    (location === undefined || of.location === location) &&
    (customer === undefined || of.customer === customer) &&
    (containers === null || (of.container !== null && containers.has(of.container)))
}

/** A container and those that stand in it, at any depth; null where none is asked for. Each once, also in a ring of plans. */
export function containersIn(
  book: Book,
  container: string | undefined,
  atMs: number,
): ReadonlySet<string> | null {
  if (container === undefined) return null
  const inside = new Map<string, string[]>()
  for (const { id } of book.all('container')) {
    const parent = textIn(book.at('container', id, atMs)?.body ?? {}, 'parent')
    if (parent !== null) inside.set(parent, [...(inside.get(parent) ?? []), id])
  }
  const found = new Set([container])
  for (const outer of found) for (const inner of inside.get(outer) ?? []) found.add(inner)
  return found
}
