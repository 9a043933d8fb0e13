import type { FleetFace } from '../../../../schemas/fleet/page-records.ts'
import type { VerifyRun } from '../../check.ts'
import type { BlocksBelow, TextRow } from '../../tables.ts'
import { BELOW, ms } from '../../tables.ts'

/** A status as a row of fleet_status or a record of fleet.state says it. */
interface Told {
  readonly status: string
  readonly reason: string
  readonly unknown: string
}

/**
 * Compares what was told of workers with itself: each change begins where the one before had ended, changes are numbered
 * without a gap, and the newest one is what fleet.state has. Returns how many changes that were.
 */
export async function compareStatuses(
  { tables, differences }: Pick<VerifyRun, 'tables' | 'differences'>,
  blocks: BlocksBelow,
  faces: ReadonlyMap<string, FleetFace>,
): Promise<number> {
  const newest = new Map<string, TextRow>()
  let changes = 0
  let before: TextRow | null = null
  const rows = tables.pages(
    `SELECT t.provider_id, t.worker_id, t.version, ${ms('changed_at')}, t.status, t.reason, t.unknown, t.status_before,
            t.reason_before, t.unknown_before, ${ms('status_since')}, ${ms('reason_since')}
     FROM fleet_status AS t WHERE ${BELOW} ORDER BY t.provider_id, t.worker_id, t.version`,
    blocks,
  )
  for await (const row of rows) {
    changes += 1
    const name = nameOf(row)
    if (before !== null && nameOf(before) === name) {
      differences.compareRow('fleet_status', `${name} ${Number(row['version'])}`, following(before), row)
    } else if (row['version'] === 1) {
      differences.compareRow('fleet_status', `${name} 1`, { status_before: '' }, row)
    }
    before = row
    newest.set(name, row)
  }
  for (const [key, face] of faces) {
    const name = `${key.split('/')[1] ?? ''}/${face.worker_id}`
    differences.compareRow('fleet_status', name, faceRow(face), newest.get(name))
  }
  return changes
}

function nameOf(row: TextRow): string {
  return `${String(row['provider_id'])}/${String(row['worker_id'])}`
}

function toldBy(row: TextRow): Told {
  return {
    status: String(row['status']),
    reason: String(row['reason']),
    unknown: String(row['unknown']),
  }
}

/** What the change behind a row must say of before, and since when. */
function following(row: TextRow): Record<string, string | number> {
  const { status, reason, unknown } = toldBy(row)
  return {
    version: Number(row['version']) + 1,
    status_before: status,
    reason_before: reason,
    unknown_before: unknown,
  }
}

function faceRow(face: FleetFace): Record<string, string | number> {
  return {
    version: face.version,
    status: face.status,
    reason: face.reason,
    unknown: Number(face.unknown),
    status_since: face.status_since,
    reason_since: face.reason_since,
  }
}
