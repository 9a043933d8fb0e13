import type { Logger } from '../../../pipelines/logger.ts'
import type { Span } from '../../../schemas/fleet/records.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import { describeError } from '../../runtime/exit.ts'
import { withRange } from './ranges.ts'
import type { Range } from './ranges.ts'

/**
 * Why items that have a number are never sent. The gateway learns of them by `low`, and counts them; this counts them for whoever
 * looks after the node.
 *
 *   too_old      the spool holds 72 hours
 *   no_room      the spool, or the disk, is full
 *   not_written  the disk took none of them
 *   damaged      the disk does not give them back
 *   no_time      nobody can say when they were made
 *   no_waiting   more were made than the disk took in time
 */
const LOSS_REASONS = ['too_old', 'no_room', 'not_written', 'damaged', 'no_time', 'no_waiting'] as const
export type LossReason = (typeof LOSS_REASONS)[number]

/** Polls that began before a lost item may have ended after it: as much is left out around a loss. */
const SLACK_MS = MINUTE_MS

/** What was lost since the last call of `take`: spans of time, and whether there is a loss whose time nobody knows. */
export interface Lost {
  readonly spans: readonly Range[]
  readonly isUnknown: boolean
}

/** What was lost, counted by reason, and the spans of time that can never be complete because of it. */
export class Losses {
  readonly #logger: Logger
  readonly #items = new Map<LossReason, number>()
  #spans: Range[] = []
  #isUnknown = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  get items(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#items)
  }

  /** `times` are those of the items, null where nobody knows them; empty where the time was never said to be polled. */
  lost(reason: LossReason, items: number, times: readonly (Span | null)[]): void {
    this.#items.set(reason, (this.#items.get(reason) ?? 0) + items)
    for (const span of times) {
      if (span === null) this.#isUnknown = true
      else this.#spans = withRange(this.#spans, { from: span.from - SLACK_MS, to: span.to + SLACK_MS })
    }
    this.#logger.warn({ reason, items }, 'Items are lost and will not be sent; the gateway counts them.')
  }

  diskFailed(error: unknown): void {
    this.#logger.error({ reason: describeError(error) }, 'The disk of the spool failed.')
  }

  take(): Lost {
    const lost = { spans: this.#spans, isUnknown: this.#isUnknown }
    this.#spans = []
    this.#isUnknown = false
    return lost
  }
}
