import { fleetTaskCodec } from '../../../schemas/fleet/codecs.ts'
import type {
  Check,
  CheckCounts,
  NewestTasks,
  PartitionCheck,
  VerifiedVersion,
  VerifyRun,
  VersionCheck,
} from '../check.ts'
import { countOf, readUndecided } from '../undecided.ts'
import { compareFleet, compareNodes } from './compare.ts'
import { compareInventory } from './inventory/compare.ts'
import { InventoryWorkforce } from './inventory/inventory-workforce.ts'
import { FleetModel } from './model.ts'
import { readFleetState } from './state.ts'
import type { FleetPresent } from './state.ts'
import { compareWorkers } from './workers/compare-workers.ts'
import { ExpectedRows } from './workers/expected.ts'
import { compareStatuses } from './workers/statuses.ts'

/**
 * Compares fleet.inbox with the rows of samples and workers, the letters, and what fleet.state has of the nodes. The
 * workers are those of the inventory in the log.
 */
export class FleetCheck implements Check {
  readonly name = 'fleet'
  readonly reads = ['fleetInbox', 'fleetState'] as const
  readonly task = {
    state: 'fleetState',
    blocks: 'fleetBlocks',
    nextSeqOf: (record: Buffer): number => fleetTaskCodec.decode(record).next_seq,
  } as const
  readonly #run: VerifyRun
  #items = 0
  #rows = 0
  #nodes = 0
  #commands = 0
  #workerRows = 0
  #statuses = 0
  #undecided = 0
  readonly #leftOut: string[] = []

  constructor(run: VerifyRun) {
    this.#run = run
  }

  begin(version: VerifiedVersion): VersionCheck {
    return {
      find: async (partition: number, newest: NewestTasks): Promise<PartitionCheck | null> => {
        if ((newest.get('fleetState') ?? null) === null) return null
        const present = await readFleetState(version.logs, partition)
        const { task } = present
        if (task === null) throw new Error(`fleet.state partition ${partition} lost its task records.`)
        return {
          blocks: { topic: version.topics.fleetBlocks, partition, seqBelow: task.next_seq },
          watermarkMs: task.now,
          compare: () => this.#compare(version, partition, { ...present, task }),
        }
      },
    }
  }

  passOver(): Promise<void> {
    return Promise.resolve()
  }

  finish(): CheckCounts {
    return {
      compared: [
        [this.#items, 'items of fleets'],
        [this.#rows, 'samples'],
        [this.#nodes, 'nodes of fleets'],
        [this.#commands, 'commands of inventories'],
        [this.#workerRows, 'rows of workers'],
        [this.#statuses, 'changes of status'],
      ],
      undecided: this.#undecided,
      otherwise: [],
      leftOut: this.#leftOut,
    }
  }

  async #compare(
    version: VerifiedVersion,
    partition: number,
    {
      task,
      nodes,
      entities,
      outcomes,
      faces,
    }: FleetPresent & { readonly task: NonNullable<FleetPresent['task']> },
  ): Promise<void> {
    const run = this.#run
    const { logs, topics } = version
    const blocks = { topic: topics.fleetBlocks, partition, seqBelow: task.next_seq }
    const undecided = await readUndecided(run.tables, blocks, topics.fleetInbox)
    const model = new FleetModel()
    const workers = new ExpectedRows(new InventoryWorkforce(model.inventory), task.now)
    const compared = await compareFleet({ run, version, partition, task, blocks, undecided, model, workers })
    const { cells, minutes, leftOut } = await compareWorkers(run, blocks, workers)
    this.#workerRows += cells + minutes
    this.#statuses += await compareStatuses(run, blocks, faces)
    this.#undecided += countOf(undecided)
    this.#items += compared.model.items
    this.#rows += compared.rows
    if (leftOut > 0) {
      this.#leftOut.push(
        `${topics.fleetInbox} partition ${partition}: ${leftOut} sums of workers' rows of its last hour were not compared, since they may still grow, or late data came for them`,
      )
    }
    const { start } = await logs.range('fleetInbox', partition)
    if (start === 0n) {
      await compareNodes({ run }, compared.model, nodes)
      await compareInventory(run, compared.model, { entities, outcomes })
      this.#nodes += nodes.size
      this.#commands += compared.model.commands
      return
    }
    this.#leftOut.push(
      `${topics.fleetInbox} partition ${partition} begins at offset ${start}: ${nodes.size} nodes, ${compared.unsure} samples that may be repeats of what is gone, and commands of the inventory were not compared`,
    )
  }
}
