import { EDGE_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import type { InventoryCommand } from '../../../schemas/fleet/inventory/records.ts'
import { inventoryCommand } from '../../support/records/inventory/inventory-commands.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

/** What an entry of a schedule requests of the inventory. Edges are counted from the one after the start. */
export interface CommandDraft {
  readonly entity: string
  readonly id: string
  readonly action: string
  readonly fromEdge: number | null
  readonly expected: readonly number[] | null
  readonly body: Readonly<Record<string, unknown>>
}

const ENTITIES = ['location', 'worker', 'worker', 'identity', 'identity', 'assignment'] as const

/** One of few entities, so that commands meet: they overlap, repeat, come too early, and end what others need. */
export function drawCommand(random: SeededRandom): CommandDraft {
  const entity = random.pick(ENTITIES)
  const action = random.pick(['create', 'create', 'create', 'change', 'end'] as const)
  return {
    entity,
    id: `${entity}-${random.int(0, 1)}`,
    action,
    fromEdge: random.pick([null, null, 0, 1, -1]),
    expected: random.chance(0.2) ? [random.int(1, 2)] : null,
    body: drawBody(random, entity),
  }
}

function drawBody(random: SeededRandom, entity: (typeof ENTITIES)[number]): Record<string, unknown> {
  const worker = `worker-${random.int(0, 1)}`
  switch (entity) {
    case 'location':
      return { name: random.pick(['Barn', 'Shed']), timezone: 'UTC' }
    case 'worker':
      return { asset_code: `A-${random.int(0, 2)}` }
    case 'identity':
      return { worker, kind: 'serial', value: `machine-${random.int(0, 2)}` }
    default:
      return { worker, location: `location-${random.int(0, 1)}` }
  }
}

/** The command of a provider; a copy of the entry is the same command again. */
export function commandOf(draft: CommandDraft, provider_id: string, startMs: number): InventoryCommand {
  const { entity, id, action, fromEdge, expected, body } = draft
  const firstMs = (Math.floor(startMs / EDGE_MS) + 1) * EDGE_MS
  return inventoryCommand({
    provider_id,
    entity,
    entity_id: id,
    action,
    expected,
    valid_from: fromEdge === null ? null : firstMs + fromEdge * EDGE_MS,
    body,
  })
}
