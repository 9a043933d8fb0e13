import assert from 'node:assert/strict'
import { applyCommand } from '../../../../pipelines/fleet/inventory/apply-command.ts'
import { Inventory } from '../../../../pipelines/fleet/inventory/inventory.ts'
import { readCommand } from '../../../../pipelines/fleet/inventory/read-command.ts'
import type { InventoryCommand, InventoryOutcome } from '../../../../schemas/fleet/inventory/records.ts'

/** An inventory to which commands are given one after the other, each at the next offset. */
export class InventoryDesk {
  readonly inventory = new Inventory()
  nowMs: number
  offset = 0

  constructor(nowMs: number, commands: readonly InventoryCommand[] = []) {
    this.nowMs = nowMs
    for (const command of commands) assert.equal(this.give(command).code, null, command.entity)
  }

  /** Gives a command and returns its outcome. */
  give(command: InventoryCommand): InventoryOutcome {
    const request = readCommand(command)
    if ('fault' in request) throw new Error(request.fault)
    this.offset += 1
    this.inventory.passTime(this.nowMs)
    const place = { nowMs: this.nowMs, offset: this.offset }
    return applyCommand(this.inventory, command, request, place).outcome
  }
}
