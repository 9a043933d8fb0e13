import type { LogProducer } from '../../../pipelines/log/producer.ts'
import { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { inventoryCommandCodec } from '../../../schemas/fleet/inventory/codecs.ts'
import type { InventoryCommand } from '../../../schemas/fleet/inventory/records.ts'
import { InventoryCommands } from '../../../services/reader/fleet/inventory-commands.ts'
import { InventoryPresent } from '../../../services/reader/fleet/inventory-present.ts'
import { FleetLog } from '../records/fleet-log.ts'
import { inputRecord } from '../records/task-log.ts'
import { appendingWhole } from './whole-append.ts'

/** A reader's inventories with the real task of one partition behind them, in memory. */
export class MemoryFleet {
  readonly log = new FleetLog()
  readonly inventory = new InventoryPresent(1)
  readonly inventoryCommands: InventoryCommands
  nowMs: number
  readonly #inbox: SharedAppend
  #seen = 0

  constructor(nowMs: number) {
    this.nowMs = nowMs
    this.inventory.follow({ loaded: true, reach: async () => true })
    this.#inbox = new SharedAppend(this.#producer(), systemClock)
    this.inventoryCommands = new InventoryCommands({
      inbox: this.#inbox,
      partitions: 1,
      clock: systemClock,
      random: systemRandom,
    })
  }

  /** A record comes to fleet.inbox now: the task takes it in at once, and the reader sees what it wrote. */
  async take(key: string, value: Buffer | null): Promise<void> {
    const offset = this.log.input.length
    const record = { ...inputRecord(offset, this.nowMs, value), key: Buffer.from(key) }
    this.log.input = [...this.log.input, record]
    await this.log.step(1)
    this.#show()
  }

  /** Takes commands in, one after the other. */
  async give(commands: readonly InventoryCommand[]): Promise<void> {
    for (const command of commands) {
      const value = inventoryCommandCodec.encode(command)
      await this.#inbox.append([{ partition: 0, key: command.provider_id, value }])
    }
  }

  #producer(): LogProducer {
    return appendingWhole(async (records) => {
      for (const { key, value } of records) await this.take(key ?? '', value)
    })
  }

  #show(): void {
    const written = this.log.committed.slice(this.#seen)
    this.#seen = this.log.committed.length
    for (const { topic, key, value } of written) {
      if (topic !== 'fleet.state' || key === null) continue
      const seen = { partition: 0, key: Buffer.from(key), value }
      this.inventory.apply(seen)
      this.inventoryCommands.see(seen)
    }
  }
}
