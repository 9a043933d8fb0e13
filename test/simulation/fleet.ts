import { CONSUMERS, SERVICES } from '../../schemas/services.ts'
import type { ConsumerName } from '../../schemas/services.ts'
import type { ActorTasks } from './actor.ts'
import { LoaderService } from './loader-service.ts'
import { TOPICS } from './services.ts'
import type { Service } from './services.ts'
import type { Tampering } from './tampering.ts'
import { TaskService } from './task-service.ts'
import type { SimProcess } from './world/process.ts'
import type { World } from './world/world.ts'

const RESTART_MS = 300

interface Instance {
  readonly process: SimProcess
  readonly service: Service
}

/** The running instances of all services: they are started, killed, frozen and stopped as the schedule says. */
export class Fleet {
  readonly #world: World
  readonly #tasks: ReadonlyMap<ConsumerName, ActorTasks>
  readonly #tampering: Tampering
  readonly #instances = new Map<string, Instance | undefined>()
  #lives = 0
  #isOver = false

  constructor(world: World, tasks: readonly ActorTasks[], tampering: Tampering = {}) {
    this.#world = world
    this.#tasks = new Map(tasks.map((those) => [those.service, those]))
    this.#tampering = tampering
    if (tampering.wire !== undefined) world.wrapWire = tampering.wire
    const { instances } = world.schedule.settings
    world.onKilled = (process, downMs) => this.#killed(process, downMs)
    for (const name of CONSUMERS) {
      for (let number = 0; number < (instances[name] ?? 1); number++) this.#start(name, number, 1)
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

  /**
   * What an operator does before ClickHouse is put back from a copy (docs/backup.md): a loader that does not answer may have
   * looked at the tables and not sent its INSERT yet, which would land among the older rows.
   */
  killFrozenLoaders(downMs: number): void {
    for (const instance of this.#instances.values()) {
      if (instance?.service instanceof LoaderService && instance.process.isFrozen) {
        this.#killed(instance.process, downMs)
      }
    }
  }

  /** Kills all instances, and starts none again. */
  end(): void {
    this.#isOver = true
    for (const instance of this.#instances.values()) instance?.process.die()
  }

  /** Also an instance that was ending: it is started again like any other. */
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
    const tasks = this.#tasks.get(name)
    if (tasks === undefined) throw new Error(`No actor brings the tasks of the ${name}.`)
    const open = tasks.open({ process, rules, lives: this.#lives })
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
}
