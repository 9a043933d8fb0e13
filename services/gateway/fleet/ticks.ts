import type { Clock } from '../../../pipelines/clock.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import type { RecordQueue } from '../queue/record-queue.ts'
import type { FleetRecord } from './fleet-queue.ts'

/**
 * Time between two ticks of a gateway to each partition of fleet.inbox. A silence of nodes counts while gateways are heard of
 * at most 90 s apart: two ticks may be lost.
 */
export const TICK_PAUSE_MS = 30_000

/** A gateway that has just started writes its first ticks after this time: by then the log has told it the time. */
export const FIRST_TICK_MS = 2_000

export interface FleetTicksParts {
  readonly queue: Pick<RecordQueue<FleetRecord>, 'tick'>
  readonly partitions: number
  readonly clock: Clock
  readonly metrics: Metrics
}

/**
 * Writes a tick to every partition of fleet.inbox again and again, so that the log's time goes on there when no node sends
 * anything. A tick only bounds how long something that is due has to wait: it decides nothing, and how many gateways write
 * them changes nothing. A partition that takes no records is skipped until the next round, and counted.
 */
export class FleetTicks {
  readonly #parts: FleetTicksParts
  readonly #stopping = new AbortController()

  constructor(parts: FleetTicksParts) {
    this.#parts = parts
  }

  /** Begins to write them. */
  start(): void {
    void this.#run()
  }

  /** Writes no more. */
  stop(): void {
    this.#stopping.abort()
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#stopping
    await clock.delay(FIRST_TICK_MS, signal)
    while (!signal.aborted) {
      this.#round()
      await clock.delay(TICK_PAUSE_MS, signal)
    }
  }

  #round(): void {
    const { queue, partitions, metrics } = this.#parts
    for (let partition = 0; partition < partitions; partition++) {
      void queue.tick(partition).then((outcome) => {
        metrics.count('hivemeter_gateway_fleet_ticks_total', { outcome })
      })
    }
  }
}
