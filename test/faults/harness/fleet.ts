import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../pipelines/clock.ts'
import { CONSUMERS, SERVICE_NAMES, SERVICES } from '../../../schemas/services.ts'
import type { ServiceName, ServiceSpec } from '../../../schemas/services.ts'
import type { TopicRole } from '../../../schemas/topics.ts'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { leaderOf } from '../../support/servers/kafka-metadata.ts'
import { hasOpenTransaction } from '../../support/servers/kafka-wire.ts'
import { OwnClickhouse } from '../../support/servers/own-clickhouse.ts'
import { FleetKafka } from './fleet-kafka.ts'
import { freePort } from '../../support/processes/service-process.ts'
import { endSessions } from '../../support/servers/group-members.ts'
import { Member } from './member.ts'
import { SmallDisk } from './small-disk.ts'

/** Partitions of every topic, by the number of brokers: with several brokers, each leads some partitions of every topic. */
const partitionsOf = (brokers: number): number => (brokers === 1 ? 2 : 3)

/** A small number, so that buckets of ids leave memory while a run lasts, and repeats are looked up. */
const IDS_MAX = '100000'

const KEEP_ALIVE_MS = 500

/** The topics that a service writes in transactions. */
function outputsOf(name: ServiceName): readonly TopicRole[] {
  const { outputs = [], state }: ServiceSpec = SERVICES[name]
  return state === undefined ? outputs : [...outputs, state]
}

/** What a fault run runs on: a Kafka, a ClickHouse and two of each service, all real processes of its own. */
export class Fleet {
  readonly kafka: FleetKafka
  readonly clickhouse: OwnClickhouse
  readonly installation: Installation
  readonly members: readonly Member[]
  /** Members that a fault keeps down; the others are started again when they end. */
  readonly resting = new Set<Member>()
  readonly #disk: SmallDisk | undefined
  readonly #stopping = new AbortController()

  private constructor(
    parts: Pick<Fleet, 'kafka' | 'clickhouse' | 'installation' | 'members'> & {
      readonly disk: SmallDisk | undefined
    },
  ) {
    this.kafka = parts.kafka
    this.clickhouse = parts.clickhouse
    this.installation = parts.installation
    this.members = parts.members
    this.#disk = parts.disk
  }

  /** Starts everything, on `brokers` Kafka nodes, and waits until all of it is ready. Logs go to `dir`. */
  static async start(dir: string, brokers: number): Promise<Fleet> {
    await using undo = new AsyncDisposableStack()
    const logsDir = join(dir, 'logs')
    mkdirSync(logsDir, { recursive: true })
    const kafka = await FleetKafka.start(brokers)
    undo.defer(() => kafka.dispose())
    const disk = await SmallDisk.mount()
    if (disk !== undefined) undo.defer(() => disk.unmount())
    const clickhouse = await OwnClickhouse.start(await freePort(), disk && join(disk.dir, 'clickhouse'))
    undo.defer(() => clickhouse.dispose())
    const installation = await install({
      name: 'faults',
      partitions: partitionsOf(brokers),
      replicationFactor: brokers,
      brokers: kafka.addresses,
      clickhouseUrl: clickhouse.url,
    })
    const members = await Promise.all(
      SERVICE_NAMES.flatMap((name) =>
        [1, 2].map((number) =>
          Member.prepare({
            name,
            number,
            brokers: kafka.addresses,
            clickhouseUrl: clickhouse.url,
            environment: {
              ...installation.environment,
              // With several brokers all ids stay in memory: a partition that is full rests until ClickHouse has the rows
              // of what it evicts, and these runs measure how long partitions do no work.
              ...(brokers === 1 ? { HIVEMETER_IDS_MAX: IDS_MAX } : {}),
            },
            logsDir,
          }),
        ),
      ),
    )
    for (const member of members) undo.defer(() => member.dispose())
    const fleet = new Fleet({ kafka, clickhouse, disk, installation, members })
    for (const member of members) member.start()
    await fleet.ready()
    void fleet.#keepAlive()
    undo.move()
    return fleet
  }

  of(name: ServiceName): readonly [Member, Member] {
    const [first, second] = this.members.filter((member) => member.name === name)
    if (first === undefined || second === undefined) throw new Error(`There are no two of ${name}.`)
    return [first, second]
  }

  async ready(): Promise<void> {
    await Promise.all(this.members.filter((member) => !this.resting.has(member)).map((one) => one.ready()))
  }

  /** The halted partitions, in words: none may be left when a run ends. */
  async halts(): Promise<string[]> {
    const answers = await Promise.all(
      this.members.map(async (member) => ({ member, readiness: await member.readiness() })),
    )
    return answers.flatMap(({ member, readiness }) =>
      (readiness?.halted ?? []).map((halt) => `${member.title}: ${JSON.stringify(halt)}`),
    )
  }

  /** The number of partitions on which Kafka holds an open transaction of the service: 0 for services that have none. */
  async openTransactions(name: ServiceName): Promise<number> {
    return (await this.openPartitions(name)).length
  }

  /** The partitions on which Kafka holds an open transaction of the service. */
  async openPartitions(name: ServiceName): Promise<number[]> {
    const { kafka, topics, partitions } = this.installation
    const open: number[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const ofTopics = await Promise.all(
        outputsOf(name).map(async (role) => {
          const leader = await leaderOf(kafka.brokers, topics[role], partition)
          return await hasOpenTransaction(leader, topics[role], partition)
        }),
      )
      if (ofTopics.includes(true)) open.push(partition)
    }
    return open
  }

  /** Removes the dead members from the group of a service, so that a run need not wait for their sessions to end. */
  async endSessions(name: ServiceName): Promise<void> {
    const consumer = CONSUMERS.find((other) => other === name)
    if (consumer !== undefined) await endSessions(this.installation, consumer)
  }

  /** SIGTERM to all services, those that take work first; each must end with 0. */
  async stopServices(): Promise<void> {
    this.#stopping.abort()
    for (const name of SERVICE_NAMES) await Promise.all(this.of(name).map((member) => member.stop()))
  }

  async dispose(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.members.map((member) => member.dispose()))
    this.clickhouse.signal('SIGCONT')
    await this.installation.clickhouse.close()
    await this.kafka.dispose()
    await this.clickhouse.dispose()
    await this.#disk?.unmount()
  }

  /** The work of a supervisor: a process that ended by itself is started again. */
  async #keepAlive(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await systemClock.delay(KEEP_ALIVE_MS, signal)
      if (signal.aborted) return
      for (const member of this.members) if (!member.isRunning && !this.resting.has(member)) member.start()
    }
  }
}
