import type { Clock } from '../clock.ts'
import { APPEND_PATIENCE_MS, AppendLanes } from './append-lanes.ts'
import { SEND_BYTES_MAX, SEND_RECORDS_MAX } from './sends.ts'
import { ProduceError } from './producer.ts'
import type { LogProducer } from './producer.ts'
import type { LogAppend } from './records.ts'

/** The records of one caller for one partition. */
interface Waiting {
  readonly records: readonly LogAppend[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Most records that may wait for the previous send. */
export const APPEND_WAITING_MAX = 10_000

/** After its last send a stop waits at most this long for a broker that does not answer. */
const STOP_PATIENCE_MS = 2_000

const LATE = `The broker did not acknowledge the records within ${APPEND_PATIENCE_MS} ms.`
const STALLED = 'The broker of this partition does not answer; nothing was sent.'

/**
 * Shares one producer among many callers. Each partition has one send at a time, and records that come in the meantime go
 * together in the next send, as far as a batch holds them.
 */
export class SharedAppend {
  readonly #producer: LogProducer
  readonly #clock: Clock
  readonly #lanes: AppendLanes
  readonly #waiting = new Map<number, Waiting[]>()
  #records = 0
  #idle = Promise.withResolvers<void>()

  constructor(producer: LogProducer, clock: Clock) {
    this.#producer = producer
    this.#clock = clock
    this.#lanes = new AppendLanes({
      producer,
      clock,
      onStalled: (partition) => this.#refuse(partition),
      onEnd: (partition) => this.#next(partition),
    })
  }

  /** False: too many records wait already, and the caller must refuse. */
  hasRoom(records: number): boolean {
    return this.#records + records <= APPEND_WAITING_MAX
  }

  /**
   * Resolves when the broker has all of the records. Rejects with ProduceError where that is not known, or where nothing
   * was sent because the partition's broker does not answer.
   */
  async append(records: readonly LogAppend[]): Promise<void> {
    const parts = Array.from(
      Map.groupBy(records, ({ partition }) => partition),
      ([partition, those]) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        if (this.#lanes.isStalled(partition)) reject(new ProduceError(STALLED, { mayBeStored: false }))
        else this.#wait(partition, { records: those, resolve, reject })
        return promise
      },
    )
    this.#send([...this.#waiting.keys()])
    const settled = await Promise.allSettled(parts)
    const failed = settled.filter((part) => part.status === 'rejected').map(({ reason }) => reason as unknown)
    // An error of records that may be stored is more important to the caller than one of records that are not.
    const worst = failed.find((error) => !(error instanceof ProduceError) || error.mayBeStored) ?? failed[0]
    if (worst === undefined) return
    if (worst instanceof ProduceError && !worst.mayBeStored && failed.length < parts.length) {
      throw new ProduceError(worst.message, { cause: worst })
    }
    throw worst
  }

  /** Stops after the sends under way. */
  async stop(): Promise<void> {
    const over = new AbortController()
    if (!this.#lanes.isIdle) {
      await Promise.race([this.#idle.promise, this.#clock.delay(STOP_PATIENCE_MS, over.signal)])
    }
    over.abort()
    await this.#producer.stop()
  }

  #wait(partition: number, waiting: Waiting): void {
    this.#records += waiting.records.length
    const others = this.#waiting.get(partition)
    if (others === undefined) this.#waiting.set(partition, [waiting])
    else others.push(waiting)
  }

  /** The records of the partition's next send: all records of one caller, and as many more as one batch holds. */
  #take(partition: number): Waiting[] {
    const waiting = this.#waiting.get(partition) ?? []
    let [callers, bytes, records] = [0, 0, 0]
    for (const one of waiting) {
      bytes += one.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      records += one.records.length
      if (callers > 0 && (bytes > SEND_BYTES_MAX || records > SEND_RECORDS_MAX)) break
      callers++
    }
    if (callers === waiting.length) this.#waiting.delete(partition)
    return waiting.splice(0, callers)
  }

  #send(partitions: readonly number[]): void {
    const sent = new Map(
      partitions
        .filter((partition) => this.#lanes.isFree(partition))
        .map((partition) => [partition, this.#take(partition)]),
    )
    const records = [...sent.values()].flat().flatMap((waiting) => waiting.records)
    if (records.length === 0) return
    this.#lanes.send(records, (partition, fate, end) => {
      const error = end !== null && 'error' in end ? end.error : null
      for (const waiting of sent.get(partition) ?? []) {
        this.#records -= waiting.records.length
        if (fate === 'acknowledged') waiting.resolve()
        else waiting.reject(error ?? new ProduceError(LATE))
      }
    })
  }

  #refuse(partition: number): void {
    const waiting = this.#waiting.get(partition) ?? []
    this.#waiting.delete(partition)
    for (const { records, reject } of waiting) {
      this.#records -= records.length
      reject(new ProduceError(STALLED, { mayBeStored: false }))
    }
  }

  #next(partition: number): void {
    this.#send([partition])
    if (!this.#lanes.isIdle) return
    this.#idle.resolve()
    this.#idle = Promise.withResolvers<void>()
  }
}
