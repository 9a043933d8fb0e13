import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { BODIES, inventoryCommand } from './inventory-commands.ts'

/** One entity of every kind that has routes, each with the id of the provider, so that one value finds all of them. */
export function wholeInventory(id: string, startsAtMs: number): readonly InventoryCommand[] {
  const make = (entity: string, body: object, action = 'create'): InventoryCommand =>
    inventoryCommand({ provider_id: id, entity, entity_id: id, action, body: { ...body } })
  return [
    make('provider', { name: 'Krill' }, 'change'),
    make('location', BODIES.location),
    make('container', { ...BODIES.container, location: id }),
    make('slot', { ...BODIES.slot, container: id }),
    make('node', { location: id, name: 'Loft' }),
    make('model', BODIES.model),
    make('worker', { ...BODIES.worker, model: id }),
    make('identity', { worker: id, kind: 'serial', value: 'HM-1' }),
    make('customer', BODIES.customer),
    make('assignment', { worker: id, location: id, container: id, slot: id, node: id, customer: id }),
    make('window', { kind: 'heat', scope: 'location', location: id, target: 'off', starts_at: startsAtMs }),
    make('ticket', { worker: id, kind: 'fan', state: 'open' }),
  ]
}
