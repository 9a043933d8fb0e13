import type { Sql } from '../../../pipelines/clickhouse/migrate-tables.ts'
import type { Random } from '../../../pipelines/random.ts'

interface LockRow {
  readonly holder: string
  readonly state: 'held' | 'released'
}

/**
 * The rows of `schema_locks` on a cluster. INSERTs have one order, Keeper's; a replica has those up to the point to which
 * it has fetched; `sync` moves that point to everything that Keeper has shown it, its own last INSERT included.
 */
export class LaggingReplicas {
  readonly log: LockRow[] = []
  /** A test takes it away, to show that it is needed. */
  syncs = true
  readonly #random: Random
  /** Called between two steps of a migrator: others go on. */
  readonly #pause: () => Promise<void>

  constructor(random: Random, pause: () => Promise<void>) {
    this.#random = random
    this.#pause = pause
  }

  /** A replica of its own, which does not fetch by itself. */
  connect(): Sql {
    const { log } = this
    let shown = 0
    let fetched = 0
    return {
      cluster: 'hive',
      command: async (_sql, params = {}) => {
        await this.#pause()
        log.push({ holder: String(params['holder']), state: params['state'] as LockRow['state'] })
        shown = log.length
        await this.#pause()
      },
      sync: async () => {
        // Keeper's servers lag as well: a replica sees the log up to any point that is not before what it has seen
        // already.
        shown += Math.round(this.#random.next() * (log.length - shown))
        if (this.syncs) fetched = shown
        await this.#pause()
      },
      rows: async <Row>(_sql: string, params: Record<string, unknown> = {}) => {
        await this.#pause()
        const states = new Map(log.slice(0, fetched).map(({ holder, state }) => [holder, state]))
        const holders = [...states].filter(([name, state]) => state === 'held' && name !== params['self'])
        return holders.map(([holder]) => ({ holder })) as Row[]
      },
    }
  }
}
