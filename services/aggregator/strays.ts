import { logRanges, openAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'

/** How often partitions that do not count are checked. */
const LOOK_PAUSE_MS = 10_000

/**
 * Watches the partitions of usage.metered that were added from outside. No task reads them, so what a foreign producer
 * writes there is named and counted until the installation is grown, which carries it over.
 */
export class StrayWatch {
  readonly #parts: LayoutParts
  readonly #stopping = new AbortController()
  #known = 0n

  constructor(parts: LayoutParts) {
    this.#parts = parts
  }

  /** Checks until it is stopped; a Kafka that does not answer is tried again later. */
  async run(): Promise<void> {
    const { config, layout, clock, logger } = this.#parts
    const { signal } = this.#stopping
    const admin = openAdmin(kafkaOf(config, 'hivemeter-aggregator', logger))
    try {
      while (!signal.aborted) {
        try {
          await admin.connect()
          this.#check(await logRanges(admin, layout.topics.usageMetered))
        } catch (error) {
          logger.debug({ err: error }, 'the partitions of usage.metered could not be looked at')
        }
        await clock.delay(LOOK_PAUSE_MS, signal)
      }
    } finally {
      await admin.disconnect()
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  #check(ranges: Awaited<ReturnType<typeof logRanges>>): void {
    const { layout, logger, metrics } = this.#parts
    const added = [...ranges].filter(([partition]) => partition >= layout.partitions)
    const strays = added.reduce((sum, [, { start, end }]) => sum + (end - start), 0n)
    metrics.set('hivemeter_stray_records', {}, Number(strays))
    if (strays > this.#known) {
      const topic = layout.topics.usageMetered
      logger.error(
        { topic, partitions: added.map(([partition]) => partition), strays: strays.toString() },
        `${topic} has ${ranges.size} partitions, of which ${layout.partitions} count; ${strays} records stand in the others ` +
          `and are not counted. Run npm run migrate -- --grow ${ranges.size}: it carries them over`,
      )
    }
    this.#known = strays
  }
}
