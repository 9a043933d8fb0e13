import PQueue from 'p-queue'
import type { Clock } from '../../pipelines/clock.ts'
import type { Acknowledgement, LogProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/kafka/records.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { tickCodec } from '../../schemas/avro.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { LogClock } from './log-clock.ts'
import { Packer } from './packer.ts'
import type { WaitingRecord } from './packer.ts'
import { Submission } from './submission.ts'
import type { Fate, Outcome } from './submission.ts'

/** Events that may wait for their acknowledgement, those on their way included. */
export const WAITING_EVENTS_MAX = 200_000

/** Their encoded bytes. */
export const WAITING_BYTES_MAX = 64 * 1_048_576

/** How long requests wait for a send; after that its outcome is called unknown. */
export const SEND_PATIENCE_MS = 5_000

/** Pause between two ticks that ask whether the log takes records again. */
export const PROBE_PAUSE_MS = 1_000

/** After its last send a stop waits no longer for a producer that does not answer. */
const STOP_PATIENCE_MS = 1_000

/** `starting`: nothing acknowledged yet, the log's time is unknown. `away`: the last send failed, or the clock was set. */
export type QueueState = 'starting' | 'taking' | 'away' | 'stopping'

export interface UsageQueueOptions {
  readonly producer: LogProducer
  readonly partitions: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/**
 * In front of the producer: one send at a time; while it is under way the records of the next one grow, over all
 * requests. Bounded in events and bytes. Whether the log takes records is known from the last send; while it does
 * not, ticks ask, and no event waits: what was not sent is handed back at once as not taken.
 */
export class UsageQueue {
  readonly #options: UsageQueueOptions
  readonly #clock: LogClock
  readonly #packer: Packer
  readonly #sends = new PQueue({ concurrency: 1 })
  readonly #stopping = new AbortController()
  readonly #failure = Promise.withResolvers<Error>()
  #state: QueueState = 'starting'
  #isScheduled = false
  #waitingEvents = 0
  #waitingBytes = 0

  constructor(options: UsageQueueOptions) {
    this.#options = options
    this.#clock = new LogClock(options.clock)
    this.#packer = new Packer(options.partitions)
  }

  get state(): QueueState {
    return this.#state
  }

  /** Resolves with an error of the program; the process must end. */
  get failed(): Promise<Error> {
    return this.#failure.promise
  }

  /** Asks the log for its time, until it answers. */
  start(): void {
    this.#setState('starting')
    this.#probe()
  }

  /** Now, by the log's clock; null while events cannot be judged or taken. */
  receiptMs(): number | null {
    if (this.#state !== 'taking') return null
    const receiptMs = this.#clock.receiptMs()
    if (receiptMs === null) {
      this.#options.logger.warn({}, "the machine's clock was set; asking the log for its time")
      this.#setState('away')
      this.#probe()
    }
    return receiptMs
  }

  /** False where nothing more may wait. `sizeBytes` is at least what the events will have when encoded. */
  hasRoom(events: number, sizeBytes: number): boolean {
    return (
      this.#waitingEvents + events <= WAITING_EVENTS_MAX &&
      this.#waitingBytes + sizeBytes <= WAITING_BYTES_MAX
    )
  }

  /** Takes the events, one at least, on their way. The caller has asked `receiptMs` and `hasRoom` in the same turn. */
  offer(events: readonly UsageEvent[]): Promise<Outcome> {
    const submission = new Submission(events.length)
    const sizeBytes = this.#packer.add(events, submission)
    this.#wait(events.length, sizeBytes)
    this.#schedule()
    return submission.outcome
  }

  /** Takes no more events; those that wait are still sent. */
  refuseMore(): void {
    this.#setState('stopping')
    this.#stopping.abort()
  }

  /** Sends what waits, then lets go of the producer. */
  async stop(): Promise<void> {
    this.refuseMore()
    const { clock, producer } = this.#options
    await Promise.race([this.#sends.onIdle(), clock.delay(SEND_PATIENCE_MS + STOP_PATIENCE_MS)])
    await Promise.race([producer.stop(), clock.delay(STOP_PATIENCE_MS)])
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    void this.#sends.add(async () => {
      this.#isScheduled = false
      await this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const records = this.#packer.takeSend()
    if (records.length === 0) return
    await this.#send(
      records.map((record) => record.toAppend()),
      (fate) => this.#settle(records, fate),
    )
    if (!this.#packer.isEmpty) this.#schedule()
  }

  #probe(): void {
    void this.#sends.add(async () => {
      const value = tickCodec.encode({ written_by: 'gateway' })
      while (this.#state === 'starting' || this.#state === 'away') {
        await this.#send([{ partition: 0, key: null, value }], () => {})
        if (this.#state === 'starting' || this.#state === 'away') {
          await this.#options.clock.delay(PROBE_PAUSE_MS, this.#stopping.signal)
        }
      }
    })
  }

  /**
   * One send. `settle` hears its fate within the patience; the promise resolves only when the producer has answered,
   * because it must not be called before.
   */
  async #send(records: readonly LogAppend[], settle: (fate: Fate) => void): Promise<void> {
    const { producer, clock } = this.#options
    const sentAtMs = clock.nowMs()
    const answered = producer.append(records).then(
      (acknowledgements) => this.#acknowledged(acknowledgements, sentAtMs),
      (error: unknown) => this.#refused(error),
    )
    const patience = new AbortController()
    const isAcknowledged = await Promise.race([
      answered,
      clock.delay(SEND_PATIENCE_MS, patience.signal).then(() => null),
    ])
    patience.abort()
    settle(isAcknowledged === true ? 'acknowledged' : 'unknown')
    if (isAcknowledged === null) {
      this.#lose(`no acknowledgement within ${SEND_PATIENCE_MS} ms`)
      await answered
    }
  }

  #acknowledged(acknowledgements: ReadonlyMap<number, Acknowledgement>, sentAtMs: number): true {
    const times = Array.from(acknowledgements.values(), ({ logAppendTimeMs }) => logAppendTimeMs)
    this.#clock.acknowledged(Math.max(...times), sentAtMs)
    if (this.#state === 'starting' || this.#state === 'away') {
      this.#setState('taking')
      this.#options.logger.info({}, 'the log takes events')
    }
    return true
  }

  #refused(error: unknown): false {
    if (!(error instanceof Error && 'code' in error && error.code === 'PRODUCE_FAILED')) {
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)))
    }
    this.#lose(error instanceof Error ? error.message : String(error))
    return false
  }

  /** The log does not take records now: what waits is handed back, and ticks ask until it does. */
  #lose(reason: string): void {
    this.#settle(this.#packer.takeAll(), 'notTaken')
    if (this.#state !== 'taking') return
    this.#options.logger.warn({ reason }, 'the log takes no events; asking again every second')
    this.#setState('away')
    this.#probe()
  }

  #settle(records: readonly WaitingRecord[], fate: Fate): void {
    for (const record of records) {
      const { events, sizeBytes } = record.pack
      record.settle(fate)
      this.#wait(-events, -sizeBytes)
      if (fate === 'acknowledged') this.#options.metrics.count('hivemeter_events_accepted_total', {}, events)
    }
  }

  #wait(events: number, sizeBytes: number): void {
    this.#waitingEvents += events
    this.#waitingBytes += sizeBytes
    this.#options.metrics.set('hivemeter_gateway_waiting_events', {}, this.#waitingEvents)
  }

  #setState(state: QueueState): void {
    if (this.#state === 'stopping') return
    this.#state = state
    this.#options.metrics.set('hivemeter_gateway_takes_events', {}, Number(state === 'taking'))
  }
}
