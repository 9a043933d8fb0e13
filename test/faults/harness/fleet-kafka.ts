import { BrokerNetwork } from '../../support/servers/broker-network.ts'
import { clusterPicture, controllerOf } from '../../support/servers/kafka-metadata.ts'
import type { ClusterPicture, PartitionPlace } from '../../support/servers/kafka-metadata.ts'
import { OwnCluster } from '../../support/servers/own-cluster.ts'
import type { ClusterBroker } from '../../support/servers/own-cluster.ts'
import { OwnKafka } from '../../support/servers/own-kafka.ts'
import { freePort } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'

/** Ports of a broker in a namespace of its own. */
export const BROKER_PORT = 9_092
const CONTROLLER_PORT = 9_093

/** An orderly stop moves leaderships away first. */
const STOP_TIMEOUT_MS = 30_000

/** One Kafka node under faults: always the same address, on the same data. */
export interface FaultBroker {
  readonly id: number
  /** `host:port` */
  readonly address: string
  /** Folder of its partitions' logs. */
  readonly logDir: string
  /** True while it is neither killed nor stopped; it may be frozen or cut off. */
  readonly isRunning: boolean
  /** Resolves when the node takes part in the cluster. */
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Deletes all data of a killed node: its next start is that of a new disk. */
  wipe(): Promise<void>
}

interface Parts {
  readonly brokers: readonly FaultBroker[]
  readonly network?: BrokerNetwork
  readonly whyNoNetwork?: string
  readonly dispose: () => Promise<void>
}

/** The Kafka of a fault run: one node, or several with a copy of all data on each. */
export class FleetKafka {
  readonly brokers: readonly FaultBroker[]
  /** Undefined where all nodes are on loopback: then no link can be cut. */
  readonly network: BrokerNetwork | undefined
  /** Why several nodes have no network of their own; empty where they have one. */
  readonly whyNoNetwork: string
  readonly #dispose: () => Promise<void>

  private constructor(parts: Parts) {
    this.brokers = parts.brokers
    this.network = parts.network
    this.whyNoNetwork = parts.whyNoNetwork ?? ''
    this.#dispose = parts.dispose
  }

  /** Starts `count` nodes and waits until each takes part. */
  static async start(count: number): Promise<FleetKafka> {
    return new FleetKafka(count === 1 ? await startOne() : await startSeveral(count))
  }

  get addresses(): readonly string[] {
    return this.brokers.map(({ address }) => address)
  }

  /** What the first node that answers reports about the cluster. */
  async picture(): Promise<ClusterPicture> {
    return await clusterPicture(this.addresses)
  }

  /**
   * What each node except `without` reports about the cluster's partitions: a node that was cut off learns late what
   * happened to them.
   */
  async placesByAll(without: readonly FaultBroker[] = []): Promise<readonly PartitionPlace[]> {
    const reached = this.brokers.filter((broker) => !without.includes(broker))
    const pictures = await Promise.all(reached.map(({ address }) => clusterPicture([address])))
    return pictures.flatMap(({ partitions }) => partitions)
  }

  /** The node that leads most of the partitions whose topic begins with `prefix`. */
  async leadingMost(prefix: string): Promise<FaultBroker> {
    const { partitions } = await this.picture()
    const own = partitions.filter(({ topic }) => topic.startsWith(prefix))
    const ledBy = ({ id }: FaultBroker): number => own.filter(({ leader }) => leader === id).length
    return this.#first(this.brokers.toSorted((left, right) => ledBy(right) - ledBy(left)))
  }

  /** The node that is the active controller. */
  async controlling(): Promise<FaultBroker> {
    const id = await controllerOf(this.addresses)
    return this.#first(this.brokers.filter((broker) => broker.id === id))
  }

  /** Repairs what a strike has left: cut links, frozen and dead brokers. */
  async mend(): Promise<void> {
    await this.network?.heal()
    const running = this.brokers.filter(({ isRunning }) => isRunning)
    for (const broker of running) broker.signal('SIGCONT')
    const down = this.brokers.filter(({ isRunning }) => !isRunning)
    await Promise.all(down.map((broker) => broker.start()))
  }

  othersThan(broker: FaultBroker): readonly FaultBroker[] {
    return this.brokers.filter((other) => other !== broker)
  }

  /** Waits until every partition has a leader and all its replicas. */
  async untilInsync(timeoutMs: number): Promise<void> {
    let behind: string[] = []
    await until(
      'all replicas to be in sync',
      timeoutMs,
      async () => {
        try {
          const partitions = await this.placesByAll()
          behind = partitions
            .filter(({ leader, replicas, insync }) => leader < 0 || insync.length < replicas.length)
            .map(
              ({ topic, partition, leader, insync }) =>
                `${topic}[${partition}] leader ${leader}, in sync ${insync.join(',')}`,
            )
          return partitions.length > 0 && behind.length === 0
        } catch (error) {
          behind = [String(error)]
          return false
        }
      },
      () => behind.slice(0, 5).join('\n'),
    )
  }

  /** Stops all nodes and deletes their data. */
  async dispose(): Promise<void> {
    await this.#dispose()
  }

  #first(brokers: readonly FaultBroker[]): FaultBroker {
    const [first] = brokers
    if (first === undefined) throw new Error('There is no such broker.')
    return first
  }
}

async function startOne(): Promise<Parts> {
  const kafka = await OwnKafka.start(await freePort(), await freePort())
  const broker: FaultBroker = {
    id: 1,
    address: kafka.broker,
    logDir: kafka.logDir,
    get isRunning() {
      return kafka.isRunning
    },
    start: () => kafka.start(),
    stop: () => kafka.stop(),
    kill: () => kafka.kill(),
    signal: (signal) => kafka.signal(signal),
    wipe: () => Promise.reject(new Error('A node by itself holds the only copy.')),
  }
  const dispose = async (): Promise<void> => {
    kafka.signal('SIGCONT')
    await kafka.dispose()
  }
  return { brokers: [broker], dispose }
}

async function startSeveral(count: number): Promise<Parts> {
  await using undo = new AsyncDisposableStack()
  const opened = await BrokerNetwork.open(count)
  const network = typeof opened === 'string' ? undefined : opened
  if (network !== undefined) undo.defer(() => network.close())
  const places: ClusterBroker[] = []
  for (let index = 0; index < count; index++) {
    const host = network?.hosts[index]
    places.push(
      host === undefined
        ? { host: '127.0.0.1', port: await freePort(), controllerPort: await freePort() }
        : {
            host,
            port: BROKER_PORT,
            controllerPort: CONTROLLER_PORT,
            through: network?.commandOf(index) ?? [],
          },
    )
  }
  const cluster = await OwnCluster.start({ brokers: places })
  undo.defer(() => cluster.dispose())
  const brokers = cluster.ids.map(
    (id): FaultBroker => ({
      id,
      address: cluster.brokers[id - 1] ?? '',
      logDir: cluster.logDirOf(id),
      get isRunning() {
        return cluster.isRunning(id)
      },
      start: () => cluster.start(id),
      stop: () => cluster.stop(id, STOP_TIMEOUT_MS),
      kill: () => cluster.kill(id),
      signal: (signal) => cluster.signal(id, signal),
      wipe: () => cluster.wipe(id),
    }),
  )
  const parts = undo.move()
  const dispose = (): Promise<void> => parts.disposeAsync()
  if (typeof opened === 'string') return { brokers, whyNoNetwork: opened, dispose }
  return { brokers, network: opened, dispose }
}
