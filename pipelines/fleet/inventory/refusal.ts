import type { InventoryCode } from '../../../schemas/fleet/inventory/records.ts'

/** Why a command changes nothing: a code for programs and a sentence for people. */
export interface Refused {
  readonly code: InventoryCode
  readonly detail: string
}

export function refused(code: InventoryCode, detail: string): Refused {
  return { code, detail }
}
