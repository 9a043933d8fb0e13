import type { Body, EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { ENTITY_KINDS } from '../../../schemas/fleet/inventory/fields.ts'
import type { EntityRecord, Version, VersionRecord } from '../../../schemas/fleet/inventory/records.ts'

/** An entity as the task holds it. */
export interface Entity {
  readonly provider: string
  readonly kind: EntityKind
  readonly id: string
  /** Of a worker: its number in the provider's pages; of a location or container: its number among these. Else -1. */
  readonly place: number
  /** Of those: offset of the record with which it got its number. */
  readonly bornOffset: number
  /** The oldest first; replaced as a whole. */
  versions: readonly Version[]
}

const KINDS: ReadonlySet<string> = new Set(ENTITY_KINDS)

/** Whether a word is a kind of entity. */
export function isEntityKind(word: string): word is EntityKind {
  return KINDS.has(word)
}

/** An entity from its record. Throws where no version of this program has written it. */
export function entityFrom(record: EntityRecord): Entity {
  const { provider_id, entity, entity_id, place, born_offset, versions } = record
  if (!isEntityKind(entity)) throw new Error(`fleet.state has an entity of the kind "${entity}".`)
  return {
    provider: provider_id,
    kind: entity,
    id: entity_id,
    place,
    bornOffset: born_offset,
    versions: versions.map(versionFrom),
  }
}

function versionFrom({ body, ...version }: VersionRecord): Version {
  return { ...version, body: body === null ? null : (JSON.parse(body) as Body) }
}

/** The record of an entity. */
export function entityRecord({ provider, kind, id, place, bornOffset, versions }: Entity): EntityRecord {
  return {
    provider_id: provider,
    entity: kind,
    entity_id: id,
    place,
    born_offset: bornOffset,
    versions: versions.map(versionRecord),
  }
}

function versionRecord({ body, ...version }: Version): VersionRecord {
  return { ...version, body: body === null ? null : JSON.stringify(body) }
}
