import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClickhouse } from '../../../infra/local/clickhouse/start.ts'
import type { LocalServer } from '../../../infra/local/clickhouse/start.ts'
import { freePort } from '../processes/service-process.ts'

/** Names of clusters in the servers' configuration. */
export const CLUSTER = 'hive'
export const CLUSTER_OF_TWO_SHARDS = 'hive_shards'

/** Engines that are configured as the replicas of a cluster, with the Keeper at a port. */
export class ReplicaServers {
  readonly #servers: readonly LocalServer[]
  readonly #dir: string

  private constructor(servers: readonly LocalServer[], dir: string) {
    this.#servers = servers
    this.#dir = dir
  }

  static async start(count: number, keeperPort: number): Promise<ReplicaServers> {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-replicas-'))
    const servers = await Promise.all(
      Array.from({ length: count }, async (_, place) => {
        const data = join(dir, `r${place + 1}`)
        // The engine reads this folder beside its own configuration file.
        await mkdir(join(data, 'engine.d'), { recursive: true })
        await writeFile(join(data, 'engine.d', 'cluster.xml'), configOf(place + 1, count, keeperPort))
        return await startClickhouse({ dir: data, port: await freePort() })
      }),
    )
    return new ReplicaServers(servers, dir)
  }

  /** In the form of HIVEMETER_CLICKHOUSE_URL. */
  get urls(): readonly string[] {
    return this.#servers.map(({ url }) => url)
  }

  /** An orderly end would wait for Keeper sessions. */
  async dispose(): Promise<void> {
    for (const server of this.#servers) server.kill()
    await Promise.all(this.#servers.map(({ exited }) => exited))
    await rm(this.#dir, { recursive: true, force: true })
  }
}

/** The configuration of a server: Keeper, macros, cluster, and the queue of statements for all. */
function configOf(replica: number, count: number, keeperPort: number): string {
  const hosts = Array.from({ length: count }, () => '<replica><host>127.0.0.1</host><port>9</port></replica>')
  return `<clickhouse>
  <zookeeper><node><host>127.0.0.1</host><port>${keeperPort}</port></node></zookeeper>
  <macros><shard>1</shard><replica>r${replica}</replica></macros>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <interserver_http_port>9</interserver_http_port>
  <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
  <remote_servers>
    <${CLUSTER}><shard>${hosts.join('')}</shard></${CLUSTER}>
    <${CLUSTER_OF_TWO_SHARDS}>${hosts.map((host) => `<shard>${host}</shard>`).join('')}</${CLUSTER_OF_TWO_SHARDS}>
  </remote_servers>
</clickhouse>
`
}
