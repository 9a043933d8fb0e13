import { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { InventoryCommands } from '../../../services/reader/fleet/inventory-commands.ts'
import { InventoryPresent } from '../../../services/reader/fleet/inventory-present.ts'
import { appendingWhole } from './whole-append.ts'

/** For readers whose tests are about other things: there are no inventories, and changes go nowhere. */
export function noInventories(): {
  readonly inventory: InventoryPresent
  readonly inventoryCommands: InventoryCommands
} {
  const inventory = new InventoryPresent(1)
  inventory.follow({ loaded: true, reach: async () => true })
  const inbox = new SharedAppend(
    appendingWhole(async () => {}),
    systemClock,
  )
  const parts = { inbox, partitions: 1, clock: systemClock, random: systemRandom }
  return { inventory, inventoryCommands: new InventoryCommands(parts) }
}
