import type { Clock } from '../../../pipelines/clock.ts'
import { DAY_MS } from '../../../schemas/units.ts'
import { anchorOf, betterAnchor, logTimeAt } from './log-clock.ts'
import type { Anchor } from './log-clock.ts'

/** The start of the machine that the node runs on: all its processes count from there. */
export interface Boot {
  /** Another one after each start of the machine. */
  readonly id: string
  /** Since that start, when this was read. */
  readonly uptimeMs: number
}

/** A wall clock that is further ahead of the log's last known time is not believed: nothing was away for so long. */
const AHEAD_DAYS_MAX = 400

/**
 * What time it is, for what the node sends. Durations come from the monotonic clock; the log's time is set by acknowledgements.
 * The wall clock is never used while there is an anchor, so it may jump.
 */
export class NodeTime {
  readonly bootId: string
  readonly #clock: Clock
  readonly #offsetMs: number
  /** The newest time of the log that this node has ever been told; null for a node that has sent nothing yet. */
  readonly #floorMs: number | null
  #anchor: Anchor | null = null

  constructor(clock: Clock, boot: Boot, floorMs: number | null) {
    this.bootId = boot.id
    this.#clock = clock
    this.#offsetMs = boot.uptimeMs - clock.monotonicMs()
    this.#floorMs = floorMs
  }

  get isAnchored(): boolean {
    return this.#anchor !== null
  }

  /** Since the start of the machine. */
  bootMs(): number {
    return this.#clock.monotonicMs() + this.#offsetMs
  }

  /** An acknowledgement of what was sent and answered at these moments; true where it is the first one. */
  acknowledged(sentBootMs: number, logMs: number): boolean {
    const isFirst = this.#anchor === null
    this.#anchor = betterAnchor(this.#anchor, anchorOf(sentBootMs, this.bootMs(), logMs))
    return isFirst
  }

  /** The log's time then; null without an anchor. */
  logTimeAt(atBootMs: number): number | null {
    return this.#anchor === null ? null : logTimeAt(this.#anchor, atBootMs)
  }

  /** What to add to a time since the boot, by a wall clock that can be believed; null where it cannot. */
  wallOffsetMs(): number | null {
    const nowMs = this.#clock.nowMs()
    if (this.#floorMs === null || nowMs < this.#floorMs) return null
    return nowMs > this.#floorMs + AHEAD_DAYS_MAX * DAY_MS ? null : nowMs - this.bootMs()
  }

  /** The best that is known of the present time; null where nothing is. */
  presentMs(): number | null {
    const now = this.bootMs()
    const wall = this.wallOffsetMs()
    return this.logTimeAt(now) ?? (wall === null ? null : wall + now)
  }
}
