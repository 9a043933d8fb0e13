import { CHANGED_KEPT_MS, EDGE_MS, VERSION_KEPT_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import type { EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'

/**
 * Versions are only added. Of those that are valid at a time, the newest that is known holds: so a change takes the place
 * of whatever was planned for its time, and what was known before is still there to be asked for.
 */

/** Knows all versions. */
export const KNOWN_ALL = Number.POSITIVE_INFINITY

/** A time in which one version holds. */
export interface Piece {
  readonly fromMs: number
  /** Infinity: for good. */
  readonly toMs: number
  readonly version: Version
}

/**
 * The version that holds at a time, of those that came with records at or below the offset `knownTo`; null where the entity
 * is not there then.
 */
export function versionAt(
  versions: readonly Version[],
  atMs: number,
  knownTo: number = KNOWN_ALL,
): Version | null {
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const version = versions[index]
    if (version === undefined || version.known_offset > knownTo) continue
    if (version.valid_from <= atMs && atMs < endOf(version)) return version.body === null ? null : version
  }
  return null
}

/** When the entity is there, and what holds then: in order, without the times at which it is not. */
export function piecesOf(versions: readonly Version[], knownTo: number = KNOWN_ALL): Piece[] {
  const pieces: Piece[] = []
  const edges = edgesOf(versions, knownTo)
  for (const [index, fromMs] of edges.entries()) {
    const version = versionAt(versions, fromMs, knownTo)
    if (version === null) continue
    const toMs = edges[index + 1] ?? KNOWN_ALL
    const last = pieces.at(-1)
    if (last !== undefined && last.version === version && last.toMs === fromMs)
      pieces[pieces.length - 1] = { ...last, toMs }
    else pieces.push({ fromMs, toMs, version })
  }
  return pieces
}

/** The next time after `afterMs` at which another version begins to hold, or none does; Infinity where there is none. */
export function nextEdgeMs(versions: readonly Version[], afterMs: number, knownTo: number): number {
  const nextMs = edgesOf(versions, knownTo).find((edgeMs) => edgeMs > afterMs && edgeMs < KNOWN_ALL)
  return nextMs ?? KNOWN_ALL
}

/**
 * How long a version is kept after its end. Nobody asks for a conflict at the time of a late sample, but only for the log
 * time of a record that may be taken in again.
 */
export function keptMsOf(kind: EntityKind): number {
  return kind === 'conflict' ? CHANGED_KEPT_MS : VERSION_KEPT_MS
}

/**
 * What is still needed at log time `nowMs`: a version goes when a later one has taken its place, or its own time was over,
 * for `keptMs`. Empty once the entity is gone for good.
 */
export function keptOf(
  versions: readonly Version[],
  nowMs: number,
  keptMs = VERSION_KEPT_MS,
): readonly Version[] {
  const kept = versions.filter((version, index) => {
    const overMs = Math.min(endOf(version), takenOverMs(versions, index))
    return overMs > nowMs - keptMs
  })
  return kept.every(({ body, valid_from }) => body === null && valid_from <= nowMs - keptMs) ? [] : kept
}

/** Log time at which `keptOf` gives something else for the first time; Infinity where time alone changes nothing. */
export function forgottenAtMs(versions: readonly Version[], keptMs: number): number {
  let firstMs = KNOWN_ALL
  for (const [index, version] of versions.entries()) {
    const overMs =
      version.body === null && index === versions.length - 1 ? version.valid_from : endOf(version)
    firstMs = Math.min(firstMs, overMs, takenOverMs(versions, index))
  }
  return firstMs + keptMs
}

/** The first edge of 5 minutes at or after a time. */
export function edgeAtOrAfter(atMs: number): number {
  return Math.ceil(atMs / EDGE_MS) * EDGE_MS
}

/** Whether a time is on an edge of 5 minutes. */
export function isOnEdge(atMs: number): boolean {
  return atMs % EDGE_MS === 0
}

function endOf({ valid_to }: Version): number {
  return valid_to ?? KNOWN_ALL
}

/** From when on later versions that have no end hold in the place of this one. */
function takenOverMs(versions: readonly Version[], index: number): number {
  let firstMs = KNOWN_ALL
  for (const later of versions.slice(index + 1))
    if (later.valid_to === null) firstMs = Math.min(firstMs, later.valid_from)
  return firstMs
}

function edgesOf(versions: readonly Version[], knownTo: number): number[] {
  const known = versions.filter(({ known_offset }) => known_offset <= knownTo)
  const edges = new Set(known.flatMap((version) => [version.valid_from, endOf(version)]))
  return [...edges].filter((edgeMs) => edgeMs < KNOWN_ALL).toSorted((left, right) => left - right)
}
