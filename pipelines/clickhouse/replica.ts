import type { ClickhouseClient, QueryParams, QuerySettings, RawInsert } from './client.ts'
import { ClickhouseAway } from './errors.ts'
import { SharedRun } from './shared-run.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** Longest wait for a replica to fetch what the others have; after that it counts as away. */
export const SYNC_TIME_LIMIT_MS = 2_000

/** The statements that one address takes. */
export interface Statements {
  /** A statement without an answer: DDL, OPTIMIZE, INSERT … SELECT. */
  command(sql: string, params?: QueryParams, settings?: QuerySettings): Promise<void>
  /** The rows of a SELECT (without FORMAT), all of them in memory: the statement bounds their number. */
  rows<T>(sql: string, params?: QueryParams, settings?: QuerySettings): Promise<T[]>
  /** One INSERT in a binary format; resolves when ClickHouse has acknowledged it. */
  insertRaw(insert: RawInsert): Promise<void>
}

export interface ReplicaParts {
  /** Empty for a single server. */
  readonly cluster: string
  /** The statements of this address; `heard` is called with the server's own name for each answer that contains it. */
  readonly statements: (heard: (serverName: string) => void) => Statements
  close(): Promise<void>
}

/** One address as a client. */
export function replicaOf(parts: ReplicaParts): ClickhouseClient {
  const { cluster } = parts
  const statements = parts.statements(() => {})
  /** By table; a wait returns the name of the server that waited. */
  const syncs = new Map<string, SharedRun<string | null>>()

  const sync = async (tables: readonly string[], heard: (serverName: string) => void): Promise<void> => {
    if (cluster === '') return
    const waited = await Promise.all(tables.map((table) => syncOf(syncs, table, parts).run()))
    for (const name of waited) if (name !== null) heard(name)
  }
  const client: ClickhouseClient = {
    ...statements,
    cluster,
    sync: (tables) => sync(tables, () => {}),
    onOneReplica: async (work) => await work(cluster === '' ? client : oneServer()),
    get replicas() {
      return [client]
    },
    close: () => parts.close(),
  }
  /** The same for as long as one server answers: a load balancer may send the next statement to another one. */
  const oneServer = (): ClickhouseClient => {
    let first: string | undefined
    const heard = (name: string): void => {
      first ??= name
      if (name === first) return
      throw new ClickhouseAway(
        `ClickHouse does not answer as one replica: ${first} and ${name} answer under one address. ` +
          'Name the address of each replica in HIVEMETER_CLICKHOUSE_URL, none that balances between them.',
      )
    }
    const scoped: ClickhouseClient = {
      ...client,
      ...parts.statements(heard),
      sync: (tables) => sync(tables, heard),
      onOneReplica: async (work) => await work(scoped),
    }
    return scoped
  }
  return client
}

function syncOf(
  syncs: Map<string, SharedRun<string | null>>,
  table: string,
  parts: ReplicaParts,
): SharedRun<string | null> {
  let found = syncs.get(table)
  if (found === undefined) {
    found = new SharedRun(async () => {
      let server: string | null = null
      const statements = parts.statements((name) => {
        server = name
      })
      // LIGHTWEIGHT waits only for what must be fetched, and not for the merges after it.
      const settings = { receive_timeout: SYNC_TIME_LIMIT_MS / SECOND_MS }
      await statements.command(`SYSTEM SYNC REPLICA ${table} LIGHTWEIGHT`, {}, settings)
      return server
    })
    syncs.set(table, found)
  }
  return found
}
