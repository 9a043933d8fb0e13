import type { Failpoint } from '../../../pipelines/failpoints.ts'
import type { ProduceWire } from '../../../pipelines/kafka/produce/wire.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import { MemoryCluster } from './cluster.ts'
import type { Fate, RequestKind } from './fate.ts'
import { SimProcess } from './process.ts'
import type { FaultEntry, PointEntry, Schedule } from '../schedule.ts'
import { MemoryWire } from './memory-wire.ts'
import { Receipts } from './receipts.ts'
import { SeededRandom } from './seeded-random.ts'
import { StoreServer } from './store-server.ts'
import { Timeline } from './timeline.ts'
import { UndecidedFaults } from '../undecided.ts'

/** All that the processes share: time, chance, cluster, store, and the faults that wait for a request. */
export class World {
  readonly schedule: Schedule
  readonly timeline: Timeline
  readonly random: SeededRandom
  readonly cluster: MemoryCluster
  readonly store: StoreServer
  readonly receipts = new Receipts()
  readonly undecided = new UndecidedFaults()
  /** What went wrong and never should: halted partitions, processes that gave up. */
  readonly problems: string[] = []
  /** False after healing: every request is answered, and soon. */
  isFaulty = true
  /** The store takes this much longer to answer. */
  storeSlowMs = 0
  /** A layer between producers and the cluster, for tests that take a guard away. */
  wrapWire: (wire: ProduceWire) => ProduceWire = (wire) => wire
  /** Kills the process; set by the fleet, which starts another. */
  onKilled: (process: SimProcess, downMs: number) => void = () => {}
  readonly #armed: FaultEntry[] = []
  readonly #points: PointEntry[] = []
  readonly #trace: ((line: string) => void) | undefined

  constructor(schedule: Schedule, trace?: (line: string) => void) {
    this.schedule = schedule
    this.#trace = trace
    this.timeline = new Timeline(schedule.settings.startMs)
    this.random = new SeededRandom(schedule.seed)
    this.store = new StoreServer(this.timeline)
    const { brokers, markerMs, replicaMs, newsMs } = schedule.settings
    this.cluster = new MemoryCluster({
      timeline: this.timeline,
      random: this.random,
      brokers,
      markerMs: () => this.random.skewed(this.isFaulty ? markerMs : 5),
      replicaMs: () => (replicaMs > 0 && this.isFaulty ? this.random.skewed(replicaMs) : 0),
      newsMs: () => (this.isFaulty ? this.random.skewed(newsMs) : 0),
      trace: (who, what) => this.trace(who, what),
    })
  }

  process(name: string): SimProcess {
    const { skewMs } = this.schedule.settings
    const surroundings = {
      timeline: this.timeline,
      fateOf: (process: SimProcess, kind: RequestKind) => this.#fateOf(process, kind),
      trace: (who: string, what: string) => this.trace(who, what),
    }
    return new SimProcess(name, surroundings, this.random.int(-skewMs, skewMs))
  }

  /** A connection of a process to the cluster, for one producer. */
  wire(process: SimProcess): ProduceWire {
    return this.wrapWire(new MemoryWire(process, this.cluster, this.random))
  }

  /** The next request of its kind by any process of the service meets this fault. */
  arm(fault: FaultEntry): void {
    this.#armed.push(fault)
  }

  /** The next process of the service that reaches this point dies or freezes there. */
  armPoint(point: PointEntry): void {
    this.#points.push(point)
  }

  failpointOf(process: SimProcess): Failpoint {
    return async (name) => {
      const index = this.#points.findIndex(
        ({ point, service }) => point === name && process.name.startsWith(service),
      )
      const [met] = index < 0 ? [] : this.#points.splice(index, 1)
      if (met === undefined) return
      process.trace(`is at ${name}`)
      if (met.what === 'kill') this.onKilled(process, met.forMs)
      else process.freeze(met.forMs)
      // A dead process never returns from here, a frozen one when it thaws.
      await process.clock.delay(0)
    }
  }

  /** This many leaderships move, from some name on. */
  move(from: number, count: number): void {
    const { brokers } = this.cluster
    const names = brokers.names()
    for (let index = 0; index < Math.min(count, names.length); index++) {
      brokers.move(names[(from + index) % names.length] as string)
    }
  }

  /** The faults are over, including those that still wait for their request. */
  heal(): void {
    this.isFaulty = false
    this.storeSlowMs = 0
    this.#armed.length = 0
    this.#points.length = 0
    this.cluster.brokers.heal()
    this.trace('world', 'heals')
  }

  trace(who: string, what: string): void {
    if (this.#trace === undefined) return
    const atMs = this.timeline.nowMs - this.schedule.settings.startMs
    this.#trace(`${(atMs / 1_000).toFixed(3).padStart(9)} ${who.padEnd(14)} ${what}`)
  }

  /** Writes what a service logs to the trace. */
  logger(who: string): Logger {
    if (this.#trace === undefined) return silentLogger
    const say = (fields: object, message: string): void => {
      const error = 'err' in fields && fields.err instanceof Error ? `: ${fields.err.message}` : ''
      const partition = 'partition' in fields ? ` [${String(fields.partition)}]` : ''
      this.trace(who, `${message}${partition}${error}`)
    }
    const logger: Logger = {
      debug: say,
      info: say,
      warn: say,
      error: say,
      child: (fields) => ({
        ...logger,
        info: (more, message) => say({ ...fields, ...more }, message),
        warn: (more, message) => say({ ...fields, ...more }, message),
        error: (more, message) => say({ ...fields, ...more }, message),
      }),
    }
    return logger
  }

  #fateOf(process: SimProcess, kind: RequestKind): Fate {
    const { random } = this
    const { latencyMs } = this.schedule.settings
    const most = this.isFaulty ? latencyMs : 4
    const ofStore = kind === 'look' || kind === 'insert' ? this.storeSlowMs : 0
    const sendMs = random.skewed(most) + (ofStore > 0 ? random.int(0, ofStore) : 0)
    const replyMs = random.skewed(most)
    const index = this.#armed.findIndex(
      (fault) => fault.request === kind && process.name.startsWith(fault.service),
    )
    if (index < 0) return { end: 'answered', sendMs, replyMs, holdMs: 0, isCut: false }
    const fault = this.#armed[index] as FaultEntry
    this.#armed.splice(index, 1)
    const { end, holdMs, isCut } = fault
    return { end, sendMs, replyMs, holdMs, isCut }
  }
}
