import type { FleetFace } from '../../../schemas/fleet/page-records.ts'
import { HaltError } from '../../log/records.ts'
import { faceKey } from './keys.ts'
import { PAGE_WORKERS } from './layout.ts'
import type { Standing } from './page.ts'
import type { FleetPages } from './pages.ts'

/**
 * Halts where a page that was brought up to the task's position decided otherwise than the task did: rules that differ
 * under one version, or a page that is not what was written. Statuses that were told would silently become others.
 */
export function assertFaces(place: string, pages: FleetPages, faces: ReadonlyMap<string, FleetFace>): void {
  let stand = 0
  for (const { page } of pages.all) {
    for (let index = 0; index < PAGE_WORKERS; index++) {
      const standing = page.standing(index)
      const key = faceKey({ providerId: page.providerId, page: page.number, index })
      const face = faces.get(key)
      if (standing !== null) stand++
      if (!isSame(standing, face)) throw differs(place, key, textOf(standing), face)
    }
  }
  if (stand !== faces.size) {
    throw differs(place, `${faces.size - stand} workers`, 'on no page', undefined)
  }
}

function isSame(standing: Standing | null, face: FleetFace | undefined): boolean {
  if (standing === null || face === undefined) return standing === null && face === undefined
  return (
    standing.status === face.status &&
    standing.reason === face.reason &&
    standing.isUnknown === face.unknown &&
    standing.statusSinceMs === face.status_since &&
    standing.reasonSinceMs === face.reason_since &&
    standing.version === face.version
  )
}

function textOf(standing: Standing | null): string {
  if (standing === null) return 'not commissioned'
  const { status, reason, version, statusSinceMs } = standing
  return `${status}/${reason}, change ${version}, since ${statusSinceMs}`
}

function differs(place: string, who: string, found: string, face: FleetFace | undefined): HaltError {
  const told =
    face === undefined
      ? 'of nobody'
      : `as ${face.status}/${face.reason}, change ${face.version}, since ${face.status_since}`
  return new HaltError(
    'state_differs',
    `${place}: ${who} is ${found} after the restart, and was told ${told}.`,
    OTHER_BUILD,
  )
}

const OTHER_BUILD =
  'This build decides otherwise than the one that ran here: install that one again. If it is the same, report it with this message; nothing was lost, the log has all.'

/** The halt at a record that the task has decided, and that a page cannot take in again. */
export function againFailed(place: string, error: unknown): HaltError {
  const detail = error instanceof Error ? error.message : String(error)
  return new HaltError('state_differs', `${place}: it was decided, and now fails: ${detail}`, OTHER_BUILD)
}
