import type { Body, EntityKind } from './fields.ts'

/** The values of the inventory's Avro schemas, as the files in `schemas/avro` name and document them. */

/** `create` makes an entity, `change` a version of one, `end` its last version; `enrol` makes a node with a token. */
export const ACTIONS = ['create', 'change', 'end', 'enrol'] as const
export type Action = (typeof ACTIONS)[number]

/** A change of a provider's inventory that somebody asked for, in fleet.inbox. */
export interface InventoryCommand {
  /** UUID: of the credential, the provider, the route and the Idempotency-Key. */
  readonly command_id: string
  readonly provider_id: string
  readonly caller: string
  readonly body_hash: Buffer
  /** One of `ACTIONS`. */
  readonly action: string
  /** One of `ENTITY_KINDS`. */
  readonly entity: string
  /** Of `create` and `enrol` a new one, which the writer drew. */
  readonly entity_id: string
  /** The versions one of which the caller must have seen as the newest; null: any. */
  readonly expected: readonly number[] | null
  /** UTC milliseconds; null: as soon as may be. */
  readonly valid_from: number | null
  /** UTC milliseconds; null: for good. */
  readonly valid_to: number | null
  /** Asks for a change in the past. */
  readonly restate: boolean
  /** JSON: the fields of a new entity, or those that change, null where a value is taken away. */
  readonly body: string
}

/** One version of an entity in fleet.state. */
export interface VersionRecord {
  readonly version: number
  readonly valid_from: number
  readonly valid_to: number | null
  readonly known_at: number
  readonly known_offset: number
  readonly by: string
  /** JSON; null: from then on the entity is gone. */
  readonly body: string | null
}

/** An entity in fleet.state. */
export interface EntityRecord {
  readonly provider_id: string
  readonly entity: string
  readonly entity_id: string
  /** Of a worker, location or container: its number; -1 where it has none. */
  readonly place: number
  /** Of those: offset of the record with which it got its number. */
  readonly born_offset: number
  /** The oldest first. */
  readonly versions: readonly VersionRecord[]
}

/** What became of a command, in fleet.state. */
export interface InventoryOutcome {
  readonly body_hash: Buffer
  /** One of `INVENTORY_CODES`; null where it was done. */
  readonly code: string | null
  /** A sentence for a person, where it was refused. */
  readonly detail: string
  /** JSON, an `InventoryResult`, where it was done. */
  readonly result: string
  /** Log time until which a repeat gets it. */
  readonly until: number
  /** Among those that are counted for the provider. */
  readonly is_counted: boolean
}

/** What a command that was done has made. */
export interface InventoryResult {
  readonly id: string
  readonly version: number
  readonly valid_from: number
}

/** A version as code reads it. */
export type Version = Omit<VersionRecord, 'body'> & { readonly body: Body | null }

/** Why a command is refused. */
export const INVENTORY_CODES = [
  'past',
  'not_on_edge',
  'too_far_ahead',
  'restate_not_built',
  'version_conflict',
  'invalid_change',
  'fixed_field',
  'id_taken',
  'overlap',
  'identity_taken',
  'asset_code_taken',
  'slot_taken',
  'slot_exists',
  'elsewhere',
  'in_use',
  'enrolment_refused',
  'too_many_entities',
  'too_many_versions',
  'too_many_commands',
  'cannot_be_decided',
  'unknown_provider',
  'unknown_location',
  'unknown_container',
  'unknown_slot',
  'unknown_node',
  'unknown_enrolment',
  'unknown_model',
  'unknown_worker',
  'unknown_identity',
  'unknown_assignment',
  'unknown_customer',
  'unknown_window',
  'unknown_ticket',
  'unknown_conflict',
] as const
export type InventoryCode = (typeof INVENTORY_CODES)[number]

/** Whether a code is one with which a command is refused. */
export function isInventoryCode(code: string): code is InventoryCode {
  return (INVENTORY_CODES as readonly string[]).includes(code)
}

/** The code with which a command is refused that names an entity which is not there. */
export function unknownCode(kind: EntityKind): InventoryCode {
  return `unknown_${kind}`
}
