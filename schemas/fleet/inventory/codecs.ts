import { codec, SCHEMA_ID, STATE_KEY } from '../../avro.ts'
import type { EntityRecord, InventoryCommand, InventoryOutcome } from './records.ts'

export const inventoryCommandCodec = codec<InventoryCommand>(
  SCHEMA_ID.inventoryCommand,
  'inventory-command.v1',
)
export const fleetEntityCodec = codec<EntityRecord>(SCHEMA_ID.fleetEntity, 'fleet-entity.v1')
export const inventoryOutcomeCodec = codec<InventoryOutcome>(
  SCHEMA_ID.inventoryOutcome,
  'inventory-outcome.v1',
)

/** The key of an entity in fleet.state; none of its parts contains a slash. */
export function entityKey({
  provider_id,
  entity,
  entity_id,
}: Pick<EntityRecord, 'provider_id' | 'entity' | 'entity_id'>): string {
  return `${STATE_KEY.inventory}${provider_id}/${entity}/${entity_id}`
}

/** The key of a command's outcome in fleet.state. */
export function inventoryOutcomeKey(providerId: string, commandId: string): string {
  return `${STATE_KEY.commands}${providerId}/${commandId}`
}
