import type { FleetInventory, IdentityRule } from './inventory.ts'
import type { Fields } from './layout.ts'

/** An inventory without workers: nobody knows any machine. */
export const NO_INVENTORY: FleetInventory = { of: () => null, changedBy: () => [] }

/** The rule of identity where there is nobody to be. */
export const NO_IDENTITY: IdentityRule<Fields> = {
  fields: {},
  named: () => ({ by: 'none' }),
  label: () => 'conflict',
  conflicted() {},
}
