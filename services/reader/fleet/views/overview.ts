import type { Status } from '../../../../pipelines/fleet/status/statuses.ts'
import type { Standing } from '../standing/standing.ts'

/** Rates of one algorithm, hashes a second. They are never added to those of another. */
export interface HashrateTile {
  readonly algorithm: string
  /** By the makers' stickers, of the workers that are not in maintenance. */
  nominal: bigint
  /** By contract and profile, else the sticker. */
  intended: bigint
  /** By the readings that are present. */
  actual: bigint
}

/** What the fleet is and does now. */
export interface FleetTiles {
  readonly statuses: Record<Status, number>
  commissioned: number
  /** Of all of them: nothing is known of them now. */
  unknown: number
  curtailed: number
  /** Commissioned, and standing nowhere. */
  unplaced: number
  /** Workers with a reading that is present. */
  heard: number
  nominalW: number
  intendedW: number
  readonly wattsBySource: Map<string, number>
  readonly hashrates: Map<string, HashrateTile>
  /** Commissioned workers by the name of their model; an empty text where it is unknown. */
  readonly models: Map<string, number>
}

/** Sources of watts that measure at the machine or before it; the others estimate. */
export const MEASURED_SOURCES: ReadonlySet<string> = new Set(['pdu', 'meter', 'miner_psu', 'miner'])

/** The tiles of the commissioned workers of a list. The five statuses sum to them, whatever the list is. */
export function tilesOf(standings: Iterable<Standing>): FleetTiles {
  const tiles = noTiles()
  for (const standing of standings) {
    if (standing.face !== null) add(tiles, standing)
  }
  return tiles
}

function add(tiles: FleetTiles, { registered, face, reading, intendedHs, intendedW }: Standing): void {
  if (face === null) return
  const status = face.status as Status
  tiles.commissioned++
  tiles.statuses[status]++
  if (face.unknown) tiles.unknown++
  if (face.reason === 'curtailed') tiles.curtailed++
  if (registered.location === null) tiles.unplaced++
  const model = registered.modelName ?? ''
  tiles.models.set(model, (tiles.models.get(model) ?? 0) + 1)
  const rates = hashrateOf(tiles, registered.algorithm)
  const { intent } = registered
  if (status !== 'in_maintenance') {
    tiles.nominalW += Math.round(intent.modelPowerW ?? intent.profilePowerW ?? 0)
    tiles.intendedW += Math.round(intendedW)
    if (rates !== null) {
      rates.nominal += wholeHs(intent.modelRateHs ?? intent.profileRateHs ?? 0)
      rates.intended += wholeHs(intendedHs)
    }
  }
  if (reading === null) return
  tiles.heard++
  if (rates !== null) rates.actual += wholeHs(reading.rateHs ?? 0)
  const { powerSource, powerW } = reading
  if (powerSource !== null)
    tiles.wattsBySource.set(powerSource, (tiles.wattsBySource.get(powerSource) ?? 0) + (powerW ?? 0))
}

function hashrateOf(tiles: FleetTiles, algorithm: string | null): HashrateTile | null {
  if (algorithm === null) return null
  const known = tiles.hashrates.get(algorithm)
  if (known !== undefined) return known
  const made = { algorithm, nominal: 0n, intended: 0n, actual: 0n }
  tiles.hashrates.set(algorithm, made)
  return made
}

/** Each worker's rate is a whole number, so that sums over any parts add up to the sum over all. */
function wholeHs(rateHs: number): bigint {
  return BigInt(Math.round(rateHs))
}

function noTiles(): FleetTiles {
  return {
    statuses: { working: 0, underperforming: 0, stopped: 0, needs_repair: 0, in_maintenance: 0 },
    commissioned: 0,
    unknown: 0,
    curtailed: 0,
    unplaced: 0,
    heard: 0,
    nominalW: 0,
    intendedW: 0,
    wattsBySource: new Map(),
    hashrates: new Map(),
    models: new Map(),
  }
}
