import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTo } from '../../../infra/local/child.ts'
import { ensureJars } from '../../../infra/local/kafka/jars.ts'
import { startKafka } from '../../../infra/local/kafka/start.ts'
import type { LocalKafka } from '../../../infra/local/kafka/start.ts'
import { kafkaFiles } from '../../../infra/local/kafka/storage.ts'

/** The ports and addresses of one broker of the cluster. */
export interface ClusterBroker {
  readonly host: string
  readonly port: number
  readonly controllerPort: number
  /** A command through which its JVM is started, as in `KafkaOptions`. */
  readonly through?: readonly string[]
}

export interface OwnClusterOptions {
  readonly brokers: readonly ClusterBroker[]
  /** Further lines of every broker's server.properties. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Three of them share a machine with everything that is tested. */
const HEAP_BYTES_MAX = 320 * 1_048_576

/** Brokers on loopback, with ports from `port` on: two for each. */
export function loopbackBrokers(port: number, count = 3): ClusterBroker[] {
  return Array.from({ length: count }, (_, index) => ({
    host: '127.0.0.1',
    port: port + 2 * index,
    controllerPort: port + 2 * index + 1,
  }))
}

/**
 * Kafka brokers for one test, each broker and controller, with a copy of all data on each and two of three in sync. The
 * test may stop, kill or freeze them one by one: always the same addresses, on the same data. They are numbered from 1.
 */
export class OwnCluster {
  readonly brokers: readonly string[]
  readonly #options: OwnClusterOptions
  readonly #dir: string
  readonly #clusterId = randomBytes(16).toString('base64url')
  readonly #running = new Map<number, LocalKafka>()

  private constructor(options: OwnClusterOptions, dir: string) {
    this.#options = options
    this.#dir = dir
    this.brokers = options.brokers.map(({ host, port }) => `${host}:${port}`)
  }

  /** Starts all brokers together: none answers before most of them run. */
  static async start(options: OwnClusterOptions): Promise<OwnCluster> {
    // Once, and not by each broker: in a fresh clone there are none.
    await ensureJars()
    const cluster = new OwnCluster(options, await mkdtemp(join(tmpdir(), 'hivemeter-cluster-')))
    const started = await Promise.allSettled(cluster.ids.map((id) => cluster.start(id)))
    const failed = started.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) return cluster
    await cluster.dispose()
    throw failed.reason
  }

  /** The brokers' numbers. */
  get ids(): number[] {
    return this.#options.brokers.map((_, index) => index + 1)
  }

  /** The folder that holds a broker's `kafka/data`, kafka.log and kafka.out. */
  dirOf(id: number): string {
    return join(this.#dir, `broker-${id}`)
  }

  /** The folder that holds its partitions' logs. */
  logDirOf(id: number): string {
    return kafkaFiles(this.dirOf(id)).logDir
  }

  /** True while it is neither stopped nor killed. */
  isRunning(id: number): boolean {
    return this.#running.has(id)
  }

  /** The JVM of a broker that runs. */
  pidOf(id: number): number {
    return this.#kafka(id).pid
  }

  /** Starts one broker, again on its data. Resolves when it takes part. */
  async start(id: number): Promise<void> {
    const place = this.#options.brokers[id - 1]
    if (place === undefined) throw new Error(`The cluster has no broker ${id}.`)
    const { brokers, settings = {} } = this.#options
    const voters = brokers.map(({ host, controllerPort }, index) => `${index + 1}@${host}:${controllerPort}`)
    const node = {
      nodeId: id,
      host: place.host,
      voters: voters.join(','),
      clusterId: this.#clusterId,
      replicationFactor: Math.min(3, brokers.length),
      minInsyncReplicas: Math.min(2, brokers.length),
    }
    const { port, controllerPort, through = [] } = place
    const dataDir = this.dirOf(id)
    const options = { dataDir, port, controllerPort, node, settings, through, heapBytesMax: HEAP_BYTES_MAX }
    this.#running.set(id, await startKafka(options))
  }

  /** A clean stop: its leaderships move before it goes. Its data stays. */
  async stop(id: number, timeoutMs?: number): Promise<void> {
    await this.#kafka(id).stop(timeoutMs)
    this.#running.delete(id)
  }

  /** kill -9; its data stays. */
  async kill(id: number): Promise<void> {
    await this.#kafka(id).kill()
    this.#running.delete(id)
  }

  /** SIGSTOP or SIGCONT. */
  signal(id: number, signal: NodeJS.Signals): void {
    signalTo(this.#kafka(id).pid, signal)
  }

  /** Deletes the data of a stopped broker: its next start is that of a new machine. */
  async wipe(id: number): Promise<void> {
    if (this.#running.has(id)) throw new Error(`Broker ${id} runs.`)
    await rm(this.dirOf(id), { recursive: true, force: true })
  }

  /** Ends all brokers and deletes their data. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#running.values()].map((kafka) => kafka.kill()))
    this.#running.clear()
    await rm(this.#dir, { recursive: true, force: true })
  }

  #kafka(id: number): LocalKafka {
    const kafka = this.#running.get(id)
    if (kafka === undefined) throw new Error(`Broker ${id} does not run.`)
    return kafka
  }
}
