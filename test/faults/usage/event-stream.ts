import type { Dice } from '../../../infra/local/sample/random.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { nodesOf, UsageMaker } from '../../support/records/produce.ts'
import { reservationAt } from './reservations.ts'

const NODES_PER_PARTITION = 24
const WITH_REQUESTS_PER_PARTITION = 6
const REPEAT_SHARE = 0.02
const LATE_SHARE = 0.01
const BORDER_SHARE = 0.005
const WRONG_SHARE = 0.05
const CONFLICT_SHARE = 0.02
/** Earlier events to repeat from: some are so old that their ids have left memory. */
const KEPT = 4_000
/** Costs that use up a reservation, if there is one of that name. */
const RESERVED_SHARE = 0.1
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * Makes the work of a run from one seed: fresh events, repeats near and far, late events, events at day and month
 * borders.
 */
export class EventStream {
  readonly #dice: Dice
  readonly #maker: UsageMaker
  readonly #nodes: readonly string[]
  readonly #kept: UsageEvent[] = []
  #made = 0

  constructor(dice: Dice, seed: number, idPrefix: Buffer, partitions: number) {
    this.#dice = dice
    this.#maker = new UsageMaker(seed, idPrefix)
    this.#nodes = Array.from({ length: partitions }, (_, p) =>
      nodesOf(p, partitions, NODES_PER_PARTITION),
    ).flat()
  }

  get nodes(): readonly string[] {
    return this.#nodes
  }

  /** The nodes that get requests beside usage: a few of each partition. */
  get nodesWithRequests(): readonly string[] {
    return this.#nodes.filter((_, index) => index % NODES_PER_PARTITION < WITH_REQUESTS_PER_PARTITION)
  }

  /** About `count` events; some of them are repeats. */
  next(count: number): UsageEvent[] {
    const whole = Math.floor(count) + (this.#dice.next() < count % 1 ? 1 : 0)
    return Array.from({ length: whole }, () => {
      const dice = this.#dice
      if (this.#kept.length > 100 && dice.next() < REPEAT_SHARE) {
        return dice.next() < 0.5
          ? (this.#kept.at(-dice.between(1, 100)) as UsageEvent)
          : dice.pick(this.#kept)
      }
      return this.#keep(this.fresh(dice.pick(this.#nodes)))
    })
  }

  /** A new event of a node. */
  fresh(nodeId: string, fields: Partial<UsageEvent> = {}): UsageEvent {
    const dice = this.#dice
    const chance = dice.next()
    if (chance < LATE_SHARE) {
      fields = { occurred_at: systemClock.nowMs() - dice.between(10 * 60_000, 3 * HOUR_MS), ...fields }
    } else if (chance < LATE_SHARE + BORDER_SHARE) {
      fields = { occurred_at: this.#nearBorder(), ...fields }
    }
    const reservation_id = dice.next() < RESERVED_SHARE ? reservationAt(systemClock.nowMs()) : null
    return this.#maker.event(nodeId, { reservation_id, ...fields })
  }

  /** Sometimes an event that no gateway may take. */
  wrong(): UsageEvent[] {
    if (this.#dice.next() >= WRONG_SHARE) return []
    return [this.#maker.event(this.#dice.pick(this.#nodes), { tokens_in: -1 })]
  }

  /** Sometimes another content under an id that was sent before. */
  conflict(): UsageEvent | undefined {
    if (this.#kept.length < 100 || this.#dice.next() >= CONFLICT_SHARE) return undefined
    const event = this.#kept.at(-this.#dice.between(1, 50)) as UsageEvent
    return { ...event, tokens_out: event.tokens_out + 1 }
  }

  /** A millisecond before or at a border of days, one of them of months. */
  #nearBorder(): number {
    const now = systemClock.nowMs()
    const at = new Date(now)
    const borders = [Date.UTC(at.getUTCFullYear(), at.getUTCMonth()), now - (now % DAY_MS)].filter(
      (border) => now - border < 34 * DAY_MS,
    )
    return this.#dice.pick(borders) - this.#dice.between(0, 1)
  }

  #keep(event: UsageEvent): UsageEvent {
    // Every place holds an event of its time: late in a run the oldest events are half an hour old.
    this.#made++
    if (this.#kept.length < KEPT) this.#kept.push(event)
    else if (this.#made % 50 === 0) this.#kept[this.#dice.between(0, KEPT - 101)] = event
    else this.#kept[KEPT - 1 - (this.#made % 100)] = event
    return event
  }
}
