import { CONSUMERS, SERVICES } from '../../schemas/services.ts'
import type { ConsumerName } from '../../schemas/services.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { SettlerState } from '../../pipelines/account/pipeline.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import type { ProduceWire } from '../../pipelines/kafka/produce/wire.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import type { InboxConfigure } from '../../schemas/records.ts'
import { AggregatorState } from '../../pipelines/usage/pipeline.ts'
import type { Lookup } from '../../pipelines/dedupe/lookup.ts'
import type { ModelTables } from '../../pipelines/usage/model-tables.ts'
import { testRules } from '../support/rules.ts'
import { LoaderService } from './loader-service.ts'
import type { SimProcess } from './process.ts'
import type { TaskWriter } from '../../pipelines/task/ports.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import type { Service } from './services.ts'
import { StoreClient } from './store-client.ts'
import { TaskService } from './task-service.ts'
import type { World } from './world.ts'
import { StoreGate } from '../../pipelines/blocks/store-gate.ts'
import type { StoredMarks } from '../../pipelines/blocks/store-gate.ts'
import { TEST_INSTALLATION } from '../support/stored-marks.ts'

const ID_KEY = Buffer.alloc(32, 7)
/** The second version of the rules pays otherwise, and to the micro-Spark. */
const rulesOf = (version: number): InboxConfigure =>
  version === 2 ? testRules({ version, spark_per_usd: 250, spark_mode: 'exact' }) : testRules({ version })

const RESTART_MS = 300

/** What a test puts between the services and the world, to take a guard away. */
export interface Tampering {
  readonly wire?: (wire: ProduceWire) => ProduceWire
  readonly writer?: (service: ConsumerName, writer: TaskWriter, partition: number) => TaskWriter
  readonly state?: (service: ConsumerName, state: TaskState, partition: number) => TaskState
  /** The records of one fetch, before a loader takes them. */
  readonly blocks?: (records: readonly LogRecord[]) => readonly LogRecord[]
  readonly lookup?: (lookup: Lookup) => Lookup
  /** What a task of the partition sends on. */
  readonly forward?: (forward: Forward, partition: number) => Forward
  readonly models?: (tables: ModelTables) => ModelTables
}

interface Instance {
  readonly process: SimProcess
  readonly service: Service
}

/** The running instances of all services: started, killed, frozen and stopped as the schedule says. */
export class Fleet {
  readonly #world: World
  readonly #tampering: Tampering
  readonly #instances = new Map<string, Instance | undefined>()
  #lives = 0
  #isOver = false

  constructor(world: World, tampering: Tampering = {}) {
    this.#world = world
    this.#tampering = tampering
    if (tampering.wire !== undefined) world.wrapWire = tampering.wire
    const { instances } = world.schedule.settings
    world.onKilled = (process, downMs) => this.#killed(process, downMs)
    for (const name of CONSUMERS) {
      for (let number = 0; number < instances[name]; number++) this.#start(name, number, 1)
    }
  }

  kill(service: ConsumerName, number: number, downMs: number, rules: number): void {
    const name = `${service}-${number}`
    const instance = this.#instances.get(name)
    if (instance === undefined) return
    instance.process.die()
    this.#instances.set(name, undefined)
    this.#world.timeline.after(downMs, () => this.#start(service, number, rules))
  }

  stop(service: ConsumerName, number: number, downMs: number, rules: number): void {
    const name = `${service}-${number}`
    const instance = this.#instances.get(name)
    if (instance === undefined) return
    this.#instances.set(name, undefined)
    instance.process.trace('is told to end')
    void instance.service.stop().then(() => {
      instance.process.die()
      this.#world.timeline.after(downMs, () => this.#start(service, number, rules))
    })
  }

  freeze(service: ConsumerName, number: number, forMs: number): void {
    this.#instances.get(`${service}-${number}`)?.process.freeze(forMs)
  }

  /** All are killed, and none is started again. */
  end(): void {
    this.#isOver = true
    for (const instance of this.#instances.values()) instance?.process.die()
  }

  /** Also one that was ending: it is started again as any other. */
  #killed(process: SimProcess, downMs: number): void {
    process.die()
    const [name = '', number = ''] = process.name.split(/[-.]/)
    const service = CONSUMERS.find((other) => other === name)
    if (service === undefined) return
    this.#instances.set(`${service}-${number}`, undefined)
    this.#world.timeline.after(downMs, () => this.#start(service, Number(number), 1))
  }

  #start(name: ConsumerName, number: number, rules: number): void {
    if (this.#isOver) return
    const process = this.#world.process(`${name}-${number}.${this.#lives++}`)
    process.trace('starts')
    const service = this.#open(name, process, rules)
    this.#instances.set(`${name}-${number}`, { process, service })
    void this.#replaced(name, number, rules, process, service)
  }

  /** A consumer that gives up ends its process, and another is started. */
  async #replaced(
    name: ConsumerName,
    number: number,
    rules: number,
    process: SimProcess,
    service: Service,
  ): Promise<void> {
    const error = await service.failed
    process.trace(`gives up: ${error.message}`)
    process.die()
    if (this.#instances.get(`${name}-${number}`)?.process !== process) return
    this.#instances.set(`${name}-${number}`, undefined)
    this.#world.timeline.after(RESTART_MS, () => this.#start(name, number, rules))
  }

  #open(name: ConsumerName, process: SimProcess, rules: number): Service {
    const world = this.#world
    if (name === 'loader') return new LoaderService(process, world, this.#tampering.blocks)
    const open = name === 'aggregator' ? this.#aggregators(process) : this.#settlers(process, rules)
    const { state = (_name, opened) => opened, writer = (_name, opened) => opened } = this.#tampering
    const { input, state: stateRole, outputs, tickWhenIdle } = SERVICES[name]
    return new TaskService(process, world, {
      service: name,
      inputTopic: TOPICS[input],
      stateTopic: TOPICS[stateRole],
      outputTopics: outputs.map((role) => TOPICS[role]),
      tickWhenIdle,
      openState: (partition, forward) => state(name, open(partition, forward), partition),
      wrapWriter: (opened, partition) => writer(name, opened, partition),
    })
  }

  #aggregators(process: SimProcess): (partition: number, forward: Forward) => TaskState {
    const { store, timeline, schedule } = this.#world
    const client = new StoreClient(process, store)
    const marks = this.#waiting(client.followLoaded(TOPICS.usageBlocks, PARTITIONS))
    const idPool = { held: 0, max: schedule.settings.idsMax }
    const { lookup: tampered = (plain: Lookup): Lookup => plain } = this.#tampering
    const { forward: withTampered = (plain: Forward): Forward => plain } = this.#tampering
    // Every other life of all processes hears of versions late: the next owner of a partition may know less than the last.
    const followed = this.#world.models.follow(this.#lives % 2 === 0)
    const models = this.#tampering.models?.(followed) ?? followed
    const ask = tampered(client.lookup(TOPICS.usageBlocks))
    const lookup: Lookup = async (...keys) => {
      // The decision waits for the store: time must pass.
      timeline.endWork()
      try {
        return await ask(...keys)
      } finally {
        await timeline.beginWork()
      }
    }
    return (partition, forward) =>
      new AggregatorState({
        partition,
        partitions: PARTITIONS,
        topics: TOPICS,
        idKey: ID_KEY,
        idPool,
        lookup,
        models,
        loadedSeq: (of) => marks.of(of)?.seq ?? 0,
        gate: gateOf(TOPICS.usageBlocks, partition, marks),
        forward: withTampered(forward, partition),
        decidePoint: this.#world.undecided.decidePoint,
        clock: process.clock,
        metrics: noMetrics,
      })
  }

  #settlers(process: SimProcess, version: number): (partition: number) => TaskState {
    const client = new StoreClient(process, this.#world.store)
    const marks = this.#waiting(client.followLoaded(TOPICS.settlementBlocks, PARTITIONS))
    return (partition) =>
      new SettlerState({
        partition,
        topics: TOPICS,
        rules: rulesOf(version),
        loadedSeq: (of) => marks.of(of)?.seq ?? 0,
        gate: gateOf(TOPICS.settlementBlocks, partition, marks),
        decidePoint: this.#world.undecided.decidePoint,
        clock: process.clock,
        metrics: noMetrics,
      })
  }

  /** A decision that waits for the store's first answer lets time pass. */
  #waiting(marks: StoredMarks): StoredMarks {
    const { timeline } = this.#world
    const wait = async (): Promise<void> => {
      timeline.endWork()
      await marks.asked
      await timeline.beginWork()
    }
    return {
      of: (partition) => marks.of(partition),
      get asked() {
        return wait()
      },
    }
  }
}

function gateOf(topic: string, partition: number, marks: StoredMarks): StoreGate {
  return new StoreGate({ installationId: TEST_INSTALLATION, topic, partition, marks })
}
