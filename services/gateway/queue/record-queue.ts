import type { Clock } from '../../../pipelines/clock.ts'
import { APPEND_PATIENCE_MS, AppendLanes } from '../../../pipelines/log/append-lanes.ts'
import { GATEWAY_TICKS, tickFor } from '../../../pipelines/log/tick.ts'
import type { AppendEnd, AppendFate } from '../../../pipelines/log/append-lanes.ts'
import { ProduceError } from '../../../pipelines/log/producer.ts'
import type { LogProducer } from '../../../pipelines/log/producer.ts'
import type { Logger } from '../../../pipelines/logger.ts'
import { LogClock } from './log-clock.ts'
import type { Packer } from './packer.ts'
import { Submission } from './submission.ts'
import type { Fate, Outcome } from './submission.ts'
import { WaitingRecords } from './waiting-records.ts'
import type { WaitingRecord } from './waiting-records.ts'
import { MIB } from '../../../schemas/units.ts'

/** Events that may wait for their acknowledgement, including those that are being sent. */
export const WAITING_EVENTS_MAX = 200_000

/** Their encoded bytes. */
export const WAITING_BYTES_MAX = 64 * MIB

/** Pause between two ticks that test whether a partition takes records again. */
export const PROBE_PAUSE_MS = 1_000

/** After the patience with its last send, a stop waits this long for a producer that does not answer. */
const STOP_PATIENCE_MS = 1_000

/**
 * `starting`: nothing is acknowledged yet, the log's time is unknown. `away`: no partition takes records, or the clock
 * was set.
 */
export type QueueState = 'starting' | 'taking' | 'away' | 'stopping'

/** Where a queue reports its state: each input topic has metrics of its own. */
export interface QueueMetrics {
  /** The log took this number of further events. */
  accepted(events: number): void
  /** This number of events waits for its acknowledgement now. */
  waiting(events: number): void
  /** Whether it takes any now. */
  takes(isTaking: boolean): void
}

export interface RecordQueueOptions<Event> {
  /** Producer of the input topic. */
  readonly producer: LogProducer
  readonly partitions: number
  readonly packer: Packer<Event>
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: QueueMetrics
}

/** What became of a tick: `skipped` where the partition takes no records, and nothing was sent. */
export type TickFate = 'written' | 'unknown' | 'skipped'

const FATES = { acknowledged: 'acknowledged', unknown: 'unknown', not_stored: 'notTaken' } as const

const TICK_FATES = {
  acknowledged: 'written',
  unknown: 'unknown',
  not_stored: 'skipped',
} as const satisfies Record<AppendFate, TickFate>

/**
 * The queue in front of the producer of one input topic. For each partition there is one send at a time; while it is
 * under way the records of the next one grow, over all requests. Bounded in events and bytes. A partition whose send
 * takes longer than the patience takes nothing more until that send has ended; one whose send failed takes nothing more
 * until a tick is acknowledged. What waits there is handed back at once as not taken, and the other partitions continue.
 */
export class RecordQueue<Event> {
  readonly #options: RecordQueueOptions<Event>
  readonly #clock: LogClock
  readonly #records: WaitingRecords<Event>
  readonly #lanes: AppendLanes
  /** Partitions whose last send failed: ticks test whether they take records. */
  readonly #failed = new Set<number>()
  /** Ticks that go with the next send of their partition. */
  readonly #ticks = new Map<number, (fate: TickFate) => void>()
  readonly #stopping = new AbortController()
  readonly #failure = Promise.withResolvers<Error>()
  #idle = Promise.withResolvers<void>()
  #state: QueueState = 'starting'
  #isScheduled = false
  #isTakingSoon = false
  #waitingEvents = 0
  #waitingBytes = 0

  constructor(options: RecordQueueOptions<Event>) {
    const { producer, clock, packer, partitions } = options
    this.#options = options
    this.#clock = new LogClock(clock)
    this.#records = new WaitingRecords(packer, partitions)
    this.#lanes = new AppendLanes({
      producer,
      clock,
      onStalled: (partition) => this.#stall(partition, `no acknowledgement within ${APPEND_PATIENCE_MS} ms`),
      onEnd: (partition, end) => this.#ended(partition, end),
    })
  }

  get state(): QueueState {
    return this.#state
  }

  /** Resolves with an error of the program; the process must end. */
  get failed(): Promise<Error> {
    return this.#failure.promise
  }

  /** Requests the log's time until it answers. */
  start(): void {
    this.#setState('starting')
    void this.#requestTime()
  }

  /** Now, by the log's clock; null while events cannot be judged or taken. */
  receiptMs(): number | null {
    if (this.#state !== 'taking') return null
    const receiptMs = this.#clock.receiptMs()
    if (receiptMs === null) {
      this.#options.logger.warn({}, "the machine's clock was set; asking the log for its time")
      this.#setState('away')
      void this.#requestTime()
    }
    return receiptMs
  }

  /** False where nothing more may wait. `sizeBytes` is at least the size of the encoded events. */
  hasRoom(events: number, sizeBytes: number): boolean {
    return (
      this.#waitingEvents + events <= WAITING_EVENTS_MAX &&
      this.#waitingBytes + sizeBytes <= WAITING_BYTES_MAX
    )
  }

  /** Takes the events, at least one. The caller must have called `receiptMs` and `hasRoom` in the same turn. */
  offer(events: readonly Event[]): Promise<Outcome> {
    const submission = new Submission(events.length)
    const added = this.#records.add(events, submission, (partition) => this.#takes(partition))
    this.#wait(added.events, added.sizeBytes)
    this.#schedule()
    return submission.outcome
  }

  /**
   * Writes a tick to a partition: behind the records of its next send, in the same batch, or alone where none waits, so that
   * no record ever waits for it. Resolves when its fate is known, within the patience of a send.
   */
  tick(partition: number): Promise<TickFate> {
    if (this.#state !== 'taking' || !this.#takes(partition)) return Promise.resolve('skipped')
    this.#skipTick(partition)
    const { promise, resolve } = Promise.withResolvers<TickFate>()
    this.#ticks.set(partition, resolve)
    this.#schedule()
    return promise
  }

  /** Takes no more events; those that wait are still sent. */
  refuseMore(): void {
    this.#setState('stopping')
    this.#stopping.abort()
    // A stop waits for records only: a tick that is left would find the producer stopped.
    for (const partition of this.#ticks.keys()) this.#skipTick(partition)
  }

  /** Sends what waits, then releases the producer. */
  async stop(): Promise<void> {
    this.refuseMore()
    const { clock, producer } = this.#options
    if (!this.#isIdle) {
      await Promise.race([this.#idle.promise, clock.delay(APPEND_PATIENCE_MS + STOP_PATIENCE_MS)])
    }
    await Promise.race([producer.stop(), clock.delay(STOP_PATIENCE_MS)])
  }

  get #isIdle(): boolean {
    return this.#records.isEmpty && this.#lanes.isIdle
  }

  #takes(partition: number): boolean {
    return !this.#failed.has(partition) && !this.#lanes.isStalled(partition)
  }

  /** Once a turn: what all requests of the turn brought, and what all partitions of an answer released, is sent together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    for (;;) {
      const records = this.#records.takeSend((partition) => this.#lanes.isFree(partition))
      const byPartition = new Map(records.map((record) => [record.partition, record]))
      const ticks = this.#takeTicks(byPartition)
      if (records.length === 0 && ticks.size === 0) return
      const ticked = Array.from(ticks.keys(), (partition) => tickFor(partition, GATEWAY_TICKS))
      this.#lanes.send([...records.map((record) => record.toAppend()), ...ticked], (partition, fate, end) => {
        const record = byPartition.get(partition)
        const logTimeMs =
          end !== null && 'error' in end ? null : (end?.acknowledgement.logAppendTimeMs ?? null)
        if (record !== undefined) this.#settle(record, FATES[fate], logTimeMs)
        ticks.get(partition)?.(TICK_FATES[fate])
      })
    }
  }

  /** The ticks that go with these records, and those of partitions that are free while no record of theirs waits. */
  #takeTicks(records: ReadonlyMap<number, unknown>): Map<number, (fate: TickFate) => void> {
    const taken = new Map<number, (fate: TickFate) => void>()
    for (const [partition, resolve] of this.#ticks) {
      const isAlone = this.#lanes.isFree(partition) && !this.#records.hasOf(partition)
      if (records.has(partition) || isAlone) taken.set(partition, resolve)
    }
    for (const partition of taken.keys()) this.#ticks.delete(partition)
    return taken
  }

  #skipTick(partition: number): void {
    this.#ticks.get(partition)?.('skipped')
    this.#ticks.delete(partition)
  }

  /** Sends ticks to one partition after the other until one answers within the patience. */
  async #requestTime(): Promise<void> {
    const { clock, partitions } = this.#options
    for (let partition = 0; this.#isRequestingTime; partition = (partition + 1) % partitions) {
      await this.#ask(partition)
      if (!this.#isRequestingTime) return
      await clock.delay(PROBE_PAUSE_MS, this.#stopping.signal)
    }
  }

  get #isRequestingTime(): boolean {
    return this.#state === 'starting' || this.#state === 'away'
  }

  /** Sends ticks until the partition takes records again. */
  async #probe(partition: number): Promise<void> {
    const { clock } = this.#options
    while (this.#failed.has(partition) && !this.#stopping.signal.aborted) {
      await clock.delay(PROBE_PAUSE_MS, this.#stopping.signal)
      if (this.#stopping.signal.aborted) return
      await this.#ask(partition)
    }
  }

  /** Asks by a tick. Resolves when its fate is known; at once where another send is under way on that partition. */
  async #ask(partition: number): Promise<void> {
    if (!this.#lanes.isFree(partition)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lanes.send([tickFor(partition, GATEWAY_TICKS)], () => resolve())
    await promise
  }

  #ended(partition: number, end: AppendEnd): void {
    if ('error' in end) this.#fail(partition, end.error)
    else {
      this.#clock.acknowledged(end.acknowledgement.logAppendTimeMs, end.sentAtMs)
      if (this.#failed.delete(partition))
        this.#options.logger.info({ partition }, 'the partition takes events')
      if (this.#isRequestingTime) this.#take()
    }
    this.#schedule()
    if (!this.#isIdle) return
    this.#idle.resolve()
    this.#idle = Promise.withResolvers<void>()
  }

  /** Takes events once all partitions that got a tick have answered, or had the time to: most come back together. */
  #take(): void {
    if (this.#lanes.isIdle) {
      this.#setState('taking')
      this.#options.logger.info({}, 'the log takes events')
      return
    }
    if (this.#isTakingSoon) return
    this.#isTakingSoon = true
    void this.#options.clock.delay(APPEND_PATIENCE_MS, this.#stopping.signal).then(() => {
      this.#isTakingSoon = false
      if (!this.#isRequestingTime) return
      this.#setState('taking')
      this.#options.logger.info({}, 'the log takes events, though not on every partition')
    })
  }

  #fail(partition: number, error: unknown): void {
    if (!(error instanceof ProduceError)) {
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)))
    }
    // Until the first acknowledgement every partition gets a tick in turn.
    if (this.#state === 'starting') return
    const isNew = !this.#failed.has(partition)
    this.#failed.add(partition)
    this.#stall(partition, error instanceof Error ? error.message : String(error))
    if (isNew) void this.#probe(partition)
  }

  /** The partition takes no records now: what waits there is handed back. */
  #stall(partition: number, reason: string): void {
    for (const record of this.#records.takeAll(partition)) this.#settle(record, 'notTaken')
    this.#skipTick(partition)
    if (this.#state !== 'taking') return
    this.#options.logger.warn({ partition, reason }, 'a partition of the log takes no events')
    const { partitions } = this.#options
    for (let other = 0; other < partitions; other++) if (this.#takes(other)) return
    this.#options.logger.warn({}, 'the log takes no events')
    this.#setState('away')
  }

  #settle(record: WaitingRecord<Event>, fate: Fate, logTimeMs: number | null = null): void {
    const { events, sizeBytes } = record.pack
    record.settle(fate, logTimeMs)
    this.#wait(-events, -sizeBytes)
    if (fate === 'acknowledged') this.#options.metrics.accepted(events)
  }

  #wait(events: number, sizeBytes: number): void {
    this.#waitingEvents += events
    this.#waitingBytes += sizeBytes
    this.#options.metrics.waiting(this.#waitingEvents)
  }

  #setState(state: QueueState): void {
    if (this.#state === 'stopping') return
    this.#state = state
    this.#options.metrics.takes(state === 'taking')
  }
}
