import type { StateTable } from '../../pipelines/kafka/kafkajs/table.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Commands } from './commands.ts'
import type { InventoryCommands } from './fleet/inventory-commands.ts'
import type { InventoryPresent } from './fleet/inventory-present.ts'
import type { Accounts } from './present/accounts.ts'
import type { FleetNodes } from './present/fleet-nodes.ts'

/** A row: a compacted topic, and what is built from its records. */
export interface StateRow {
  readonly topic: TopicRole
  /** Takes the next record of a partition. Throws where Hivemeter did not write it. */
  readonly onRecord: (record: LogRecord) => void
}

/** What the reader shows as the present. The code that starts, waits, fails or stops reads these rows. */
export function stateRows(parts: {
  readonly accounts: Accounts
  readonly fleetNodes: FleetNodes
  readonly commands: Commands
  readonly inventory: InventoryPresent
  readonly inventoryCommands: InventoryCommands
  readonly metrics: Metrics
}) {
  const { accounts, fleetNodes, commands, inventory, inventoryCommands, metrics } = parts
  return [
    {
      topic: 'nodeState',
      onRecord: (record) => {
        accounts.apply(record)
        commands.see(record)
        metrics.set('hivemeter_reader_state_records', {}, accounts.size)
      },
    },
    {
      topic: 'fleetState',
      onRecord: (record) => {
        inventory.apply(record)
        inventoryCommands.see(record)
        fleetNodes.apply(record)
        metrics.set('hivemeter_reader_fleet_nodes', {}, fleetNodes.size)
      },
    },
  ] as const satisfies readonly StateRow[]
}

/** All states that are followed, each by a table of its own. `Role` are the topics that the rows name. */
export class FollowedStates<Role extends TopicRole> {
  /** Resolves if one can no longer be followed, or could not be read. */
  readonly failed: Promise<Error>
  readonly #tables: ReadonlyMap<TopicRole, StateTable>
  readonly #failure = Promise.withResolvers<Error>()

  /** @param open makes the table that follows a row's topic, not started. */
  constructor(rows: readonly (StateRow & { readonly topic: Role })[], open: (row: StateRow) => StateTable) {
    this.#tables = new Map(rows.map((row) => [row.topic, open(row)]))
    this.failed = this.#failure.promise
  }

  /** The table that follows a topic. */
  table(topic: Role): StateTable {
    return this.#tables.get(topic) as StateTable
  }

  /** Begins to read them all; `waitingFor` reports whether they are read. */
  start(): void {
    for (const [topic, table] of this.#tables) void this.#follow(topic, table)
  }

  /** What they wait for, in words. */
  waitingFor(): string[] {
    return [...this.#tables.values()].flatMap((table) => table.waitingFor())
  }

  /** Stops them all. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#tables.values(), (table) => table.stop()))
  }

  async #follow(topic: TopicRole, table: StateTable): Promise<void> {
    try {
      await table.start()
      this.#failure.resolve(await table.failed)
    } catch (reason) {
      this.#failure.resolve(
        reason instanceof Error ? reason : new Error(`${topic} cannot be read`, { cause: reason }),
      )
    }
  }
}
