import type { TimeRange } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import { textIn } from '../../../pipelines/fleet/inventory/body.ts'
import type { Book } from '../../../pipelines/fleet/inventory/book.ts'
import { ofWorker } from '../../../pipelines/fleet/inventory/index-keys.ts'
import { piecesOf } from '../../../pipelines/fleet/inventory/versions.ts'

/**
 * The times of a worker that a caller may see: those in which it was assigned to one of the caller's customers, of the
 * assignments that fleet.state keeps. Null: all, for those who run the site.
 */
export function ownSpans(
  book: Book,
  workerId: string,
  customers: ReadonlySet<string> | null,
): readonly TimeRange[] | null {
  if (customers === null) return null
  const spans: TimeRange[] = []
  for (const { kind, versions } of book.keyed(ofWorker(workerId))) {
    if (kind !== 'assignment') continue
    for (const { fromMs, toMs, version } of piecesOf(versions)) {
      const customer = textIn(version.body ?? {}, 'customer')
      if (customer !== null && customers.has(customer)) spans.push({ fromMs, toMs })
    }
  }
  return spans
}
