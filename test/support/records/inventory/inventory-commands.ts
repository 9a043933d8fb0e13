import { createHash } from 'node:crypto'
import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { formatUuid, hashToUuid } from '../../../../schemas/ids.ts'

type Fields = Partial<Omit<InventoryCommand, 'body'>> & { readonly body?: Readonly<Record<string, unknown>> }

/** A command of the provider `p`. Without an id of its own it has one that follows from what it asks. */
export function inventoryCommand({ body = {}, ...fields }: Fields): InventoryCommand {
  const said = {
    provider_id: 'p',
    caller: 'key:0123456789abcdef',
    action: 'create',
    entity: 'location',
    entity_id: 'barn',
    expected: null,
    valid_from: null,
    valid_to: null,
    restate: false,
    ...fields,
    body: JSON.stringify(body),
  }
  const text = JSON.stringify(said)
  return {
    command_id: formatUuid(hashToUuid(text)),
    body_hash: createHash('sha256').update(text).digest().subarray(0, 16),
    ...said,
  }
}

/** A body of each kind that needs no other entity than those of `SITE`. */
export const BODIES = {
  location: { name: 'Barn', timezone: 'America/Chicago' },
  container: { location: 'barn', name: 'C1', kind: 'container' },
  slot: { container: 'c1', row: 1, col: 2 },
  model: { make: 'Example', model: 'X1', algorithm: 'SHA-256' },
  worker: { asset_code: 'A-1' },
  customer: { name: 'Otter', timezone: 'Europe/Berlin', state: 'active' },
} as const

/** A location, a container with a slot, a model, a customer and the worker `w1`, one command each. */
export const SITE: readonly InventoryCommand[] = [
  inventoryCommand({ entity: 'location', entity_id: 'barn', body: BODIES.location }),
  inventoryCommand({ entity: 'location', entity_id: 'shed', body: { ...BODIES.location, name: 'Shed' } }),
  inventoryCommand({ entity: 'container', entity_id: 'c1', body: BODIES.container }),
  inventoryCommand({ entity: 'slot', entity_id: 's1', body: BODIES.slot }),
  inventoryCommand({ entity: 'model', entity_id: 'm1', body: BODIES.model }),
  inventoryCommand({ entity: 'customer', entity_id: 'otter', body: BODIES.customer }),
  inventoryCommand({ entity: 'worker', entity_id: 'w1', body: { ...BODIES.worker, model: 'm1' } }),
]
