import type { ClickhouseClient } from './client.ts'
import { ClickhouseRefused } from './errors.ts'
import { MigrationRefused } from './migrate-files.ts'
import { enginesOf, formProblem } from './table-form.ts'

/** What one replica reports about itself and the cluster. */
export interface ReplicaFacts {
  /**
   * Numbers of the shard of each replica of the cluster, as this replica is configured; empty where it knows no such
   * cluster.
   */
  readonly shards: readonly number[]
  readonly clusters: readonly string[]
  readonly macros: Readonly<Record<string, string>>
  /** Engines of the tables of the database, by name. */
  readonly engines: Readonly<Record<string, string>>
}

const MACROS = ['shard', 'replica'] as const

/** Codes with which a server reports that it has no Keeper, or accepts no statements for a cluster. */
const NO_KEEPER: ReadonlySet<number> = new Set([
  139, // NO_ELEMENTS_IN_CONFIG: no zookeeper, no distributed_ddl
  225, // NO_ZOOKEEPER
  392, // QUERY_IS_PROHIBITED: replicated DDL is disabled
])

/** What prevents the use of a cluster, in words; undefined where nothing does. There is one entry for each address. */
export function clusterProblem(
  cluster: string,
  database: string,
  replicas: readonly ReplicaFacts[],
): string | undefined {
  for (const { shards, clusters, macros, engines } of replicas) {
    if (shards.length === 0) {
      return (
        `ClickHouse knows no cluster ${cluster} (it knows ${clusters.join(', ') || 'none'}). ` +
        'Set HIVEMETER_CLICKHOUSE_CLUSTER to one of system.clusters, or add it to remote_servers.'
      )
    }
    const shardCount = new Set(shards).size
    if (shardCount > 1) {
      return (
        `The ClickHouse cluster ${cluster} has ${shardCount} shards; Hivemeter needs all rows on every replica: one shard. ` +
        'Name a cluster of one shard with all replicas in it.'
      )
    }
    if (shards.length !== replicas.length) {
      return (
        `HIVEMETER_CLICKHOUSE_URL names ${replicas.length} of the ${shards.length} replicas of ${cluster}. ` +
        'Name the address of each, separated by commas: what a majority has is asked of them.'
      )
    }
    const missing = MACROS.filter((name) => (macros[name] ?? '') === '')
    if (missing.length > 0) {
      return (
        `A replica of ${cluster} has no macro ${missing.join(' and ')}. ` +
        'Set <macros> on each server: shard the same on all, replica its own name.'
      )
    }
    const problem = formProblem(cluster, database, engines)
    if (problem !== undefined) return problem
  }
  const named = (name: string): ReadonlySet<string | undefined> =>
    new Set(replicas.map(({ macros }) => macros[name]))
  if (named('shard').size > 1 || named('replica').size < replicas.length) {
    return (
      `The macros of ${cluster}'s replicas do not fit: shard must be the same on all and replica another on each, or their ` +
      'tables do not meet. Mend <macros> on the servers, and see that each address of HIVEMETER_CLICKHOUSE_URL is another server.'
    )
  }
  return undefined
}

/** Refuses a cluster that cannot be used, and tables of the other form. Throws MigrationRefused, ClickhouseAway. */
export async function checkCluster(server: ClickhouseClient, database: string): Promise<void> {
  const { cluster, replicas } = server
  const facts = await Promise.all(replicas.map((replica) => factsOf(replica, database)))
  const problem =
    cluster === ''
      ? formProblem('', database, facts[0]?.engines ?? {})
      : clusterProblem(cluster, database, facts)
  if (problem !== undefined) throw new MigrationRefused(problem)
}

/** Turns the refusal of a first statement for a cluster into words that say what the server lacks. */
export function keeperRefusal(error: unknown, cluster: string): unknown {
  if (cluster === '' || !(error instanceof ClickhouseRefused) || !NO_KEEPER.has(error.code)) return error
  return new MigrationRefused(
    `HIVEMETER_CLICKHOUSE_CLUSTER is ${cluster}, but the server cannot make replicated tables: it has no Keeper, or takes ` +
      'no statements for a cluster. Configure <zookeeper> and <distributed_ddl> on every replica ' +
      `(${error.message})`,
    { cause: error },
  )
}

async function factsOf(replica: ClickhouseClient, database: string): Promise<ReplicaFacts> {
  const { cluster } = replica
  const clusters = await replica.rows<{ cluster: string; shard_num: number }>(
    'SELECT cluster, shard_num FROM system.clusters ORDER BY cluster, shard_num, replica_num LIMIT 1000',
  )
  const macros = await replica.rows<{ macro: string; substitution: string }>(
    'SELECT macro, substitution FROM system.macros',
  )
  return {
    shards: clusters.flatMap((row) => (row.cluster === cluster ? [row.shard_num] : [])),
    clusters: [...new Set(clusters.map((row) => row.cluster))],
    macros: Object.fromEntries(macros.map(({ macro, substitution }) => [macro, substitution])),
    engines: await enginesOf(replica, database),
  }
}
