import { SLOT } from './reading.ts'
import type { Failure, Reading, Said } from './reading.ts'

const SLOT_MS = SLOT * 1_000
const LATE_MS = 80 * 3_600_000
const HOLES = 16
/** Slots that wait with something in them. */
const OPEN = 7

/** What a slot came to in the end. */
export type Came =
  | { readonly reading: Reading; readonly isBridged: boolean }
  | 'unreachable'
  | 'unreadable'
  | 'unheard'

/** Neighbouring slots of which nothing is known. */
interface Hole {
  readonly from: number
  readonly to: number
}

interface Open {
  reading?: Reading
  failure?: Failure
}

/** What a worker's time asks of what is around it. */
export interface Around {
  isCommissioned(slot: number): boolean
  /** Whether its node had said that it holds nothing of the slot back. */
  isComplete(slot: number): boolean
  /** A slot that settles now is commissioned time; `came` is null where it came to nothing yet. */
  settled(slot: number, came: Came | null): void
  /** A slot that had come to nothing. */
  filled(slot: number, came: Came): void
}

const slotAt = (t: number): number => Math.floor(t / SLOT_MS)
const endOf = ({ t, intervalS }: Said): number => t + intervalS * 1_000
const reaches = (said: Said, slot: number): boolean => slot * SLOT_MS < endOf(said)
const isNear = (first: Said, second: Said): boolean => second.t - first.t <= 2_500 * first.intervalS

/**
 * The time of one worker in slots: the second implementation of the account plane. It keeps lists of all that counted and
 * searches them; there is nothing that it would have to keep up to date.
 */
export class WorkerTime {
  intervalS: number
  #next: number
  readonly #open = new Map<number, Open>()
  /** Readings and failed polls that counted. */
  readonly #readings: Reading[] = []
  readonly #failures: Failure[] = []
  /** Settled slots that came to nothing, in order. */
  #none: number[] = []
  readonly #around: Around

  constructor(nowMs: number, intervalS: number, around: Around) {
    this.#next = slotAt(nowMs)
    this.intervalS = intervalS
    this.#around = around
  }

  /** How long after its end a slot settles. */
  get delayMs(): number {
    return Math.min(600_000, Math.max(120_000, 2_000 * this.intervalS))
  }

  settle(nowMs: number): void {
    while ((this.#next + 1) * SLOT_MS + this.delayMs <= nowMs) this.#settleNext()
  }

  /** A full minute: what became near is bridged, and what is too old is over. */
  minute(nowMs: number): void {
    this.settle(nowMs)
    const oldest = Math.floor((nowMs - LATE_MS) / SLOT_MS)
    for (const hole of this.#holes()) {
      this.#bridge(hole)
      if (hole.from < oldest) this.#reachInto(hole, hole.to)
    }
    this.#none = this.#none.filter((slot) => slot >= oldest)
  }

  reading(reading: Reading): void {
    const slot = slotAt(reading.t)
    if (this.#takesOpen(slot)) {
      const open = this.#openAt(slot)
      if (open.reading === undefined || beats(reading, open.reading)) open.reading = reading
      return
    }
    const hole = this.#holes().find(({ from, to }) => from <= slot && slot < to)
    if (reading.isShadow) return
    if (hole === undefined && !this.#reachesOn(reading)) return
    if (hole !== undefined) this.#fill(slot, { reading, isBridged: false })
    this.#learn(reading)
    this.#forget()
  }

  failure(failure: Failure): void {
    const slot = slotAt(failure.t)
    if (this.#takesOpen(slot)) {
      const open = this.#openAt(slot)
      if (open.failure === undefined || beats(failure, open.failure)) open.failure = failure
      return
    }
    if (failure.isShadow) return
    const hole = this.#holes().find(({ from, to }) => from <= slot && slot < to)
    const left = hole === undefined ? null : this.#before(hole.from)
    if (hole !== undefined && (left === null || !reaches(left, slot))) {
      this.#reachInto(hole, slot)
      if (this.#none.includes(slot)) this.#fill(slot, failure.kind)
    }
    this.#failures.push(failure)
    this.#forget()
  }

  /** A node says that it holds nothing back; `isOwn` tells of a slot whether it is in what it says, and the worker its own. */
  complete(isOwn: (slot: number) => boolean): void {
    const before = this.#holes()
    for (const hole of before) {
      for (let slot = hole.from; slot < hole.to; slot += 1) {
        if (!isOwn(slot)) continue
        this.#bridge(hole)
        break
      }
    }
    for (const slot of this.#none.filter(isOwn)) {
      const last = this.#before(slot)
      if (last !== null && reaches(last, slot)) this.#fill(slot, { reading: last, isBridged: false })
      else this.#fill(slot, this.#failedAt(slot, last) ?? 'unheard')
    }
    this.#forget()
  }

  get hasHoles(): boolean {
    return this.#none.length > 0
  }

  #settleNext(): void {
    const slot = this.#next
    const { reading, failure } = this.#open.get(slot) ?? {}
    this.#open.delete(slot)
    const edge = this.#newest()
    const isUnder = edge !== null && !edge.isShadow && reaches(edge, slot)
    if (reading !== undefined && !(reading.isShadow && isUnder)) this.#learn(reading)
    if (failure !== undefined) this.#pass(failure, slot)
    if (this.#around.isCommissioned(slot)) {
      const came = this.#cameTo(slot)
      this.#around.settled(slot, came)
      if (came === null) this.#none.push(slot)
    }
    this.#next = slot + 1
    this.#forget()
  }

  #cameTo(slot: number): Came | null {
    const last = this.#newest()
    if (last !== null && reaches(last, slot)) return { reading: last, isBridged: false }
    const following = [...this.#open].filter(([at, { reading }]) => at > slot && reading !== undefined)
    const next = oldest(following.flatMap(([, { reading }]) => (reading === undefined ? [] : [reading])))
    if (last !== null && next !== null && isNear(last, next)) return { reading: last, isBridged: true }
    const failed = this.#failedAt(slot, last)
    if (failed !== null) return failed
    return this.#around.isComplete(slot) ? 'unheard' : null
  }

  /** A failed poll of a slot that settles counts, unless the holder has a poll that reaches there. */
  #pass(failure: Failure, slot: number): void {
    const last = this.#newest()
    const known = newest(this.#failures.filter(({ t }) => last === null || t >= last.t))
    if (failure.isShadow && known !== null && !known.isShadow && reaches(known, slot)) return
    if (last === null || failure.t >= last.t) this.#failures.push(failure)
  }

  /** Whether the slot has not settled; one more than can be open settles the oldest. */
  #takesOpen(slot: number): boolean {
    while (slot >= this.#next) {
      if (this.#open.has(slot) || this.#open.size < OPEN) return true
      this.#settleNext()
    }
    return false
  }

  #openAt(slot: number): Open {
    const known = this.#open.get(slot) ?? {}
    this.#open.set(slot, known)
    return known
  }

  /** Whether a reading whose own slot is taken stands for time behind it that is empty, or not settled. */
  #reachesOn(reading: Reading): boolean {
    const edge = this.#newest()
    if ((edge === null || reading.t > edge.t) && reaches(reading, this.#next)) return true
    const slot = slotAt(reading.t)
    return this.#holes().some(({ from }) => {
      const left = this.#before(from)
      return from > slot && reaches(reading, from) && (left === null || left.t < reading.t)
    })
  }

  /** From now on the reading counts: holes that end with it are filled as far as something reaches. */
  #learn(reading: Reading): void {
    this.#readings.push(reading)
    for (const hole of this.#holes()) {
      if (this.#behind(hole.to) !== reading) continue
      this.#reachInto(hole, hole.to)
      this.#bridge(hole)
    }
  }

  #bridge({ from, to }: Hole): void {
    const [left, right] = [this.#before(from), this.#behind(to)]
    if (left === null || right === null || !isNear(left, right)) return
    for (const slot of this.#none.filter((one) => one >= from && one < to)) {
      this.#fill(slot, { reading: left, isBridged: !reaches(left, slot) })
    }
  }

  /** Fills a hole from its begin as far as the reading and the failed poll before it reach, up to a slot. */
  #reachInto({ from }: Hole, until: number): void {
    const left = this.#before(from)
    for (const slot of this.#none.filter((one) => one >= from && one < until)) {
      const isReached = left !== null && reaches(left, slot)
      const came = isReached ? { reading: left, isBridged: false } : this.#failedAt(slot, left)
      if (came === null) return
      this.#fill(slot, came)
    }
  }

  #failedAt(slot: number, last: Reading | null): Failure['kind'] | null {
    const failure = newest(
      this.#failures.filter(({ t }) => slotAt(t) <= slot && (last === null || t >= last.t)),
    )
    return failure !== null && reaches(failure, slot) ? failure.kind : null
  }

  #fill(slot: number, came: Came): void {
    this.#none.splice(this.#none.indexOf(slot), 1)
    this.#around.filled(slot, came)
  }

  #newest(): Reading | null {
    return newest(this.#readings)
  }

  #before(slot: number): Reading | null {
    return newest(this.#readings.filter(({ t }) => slotAt(t) < slot))
  }

  #behind(slot: number): Reading | null {
    return oldest(this.#readings.filter(({ t }) => slotAt(t) >= slot))
  }

  #holes(): Hole[] {
    const holes: { from: number; to: number }[] = []
    for (const slot of this.#none) {
      const last = holes.at(-1)
      if (last?.to === slot) last.to += 1
      else holes.push({ from: slot, to: slot + 1 })
    }
    return holes
  }

  /** Of too many holes the shortest that has ended is over; and what nothing can ask for any more is not kept. */
  #forget(): void {
    for (let holes = this.#holes(); holes.length > HOLES; holes = this.#holes()) {
      const ended = holes.filter(({ to }) => to < this.#next)
      const least = Math.min(...ended.map(({ from, to }) => to - from))
      const over = ended.find(({ from, to }) => to - from === least)
      if (over === undefined) return
      this.#bridge(over)
      this.#reachInto(over, over.to)
      this.#none = this.#none.filter((slot) => slot < over.from || slot >= over.to)
    }
    const first = Math.min(this.#next, this.#none[0] ?? this.#next)
    const left = this.#before(first)
    if (left !== null) drop(this.#readings, ({ t }) => t < left.t)
    const last = newest(this.#failures)
    drop(this.#failures, (one) => one !== last && slotAt(one.t) < first && !reaches(one, first))
  }
}

/** Of one open slot the holder's counts before a shadow's, then the newest. */
function beats(one: Said, known: Said): boolean {
  if (one.t === known.t) return false
  if (one.isShadow !== known.isShadow) return !one.isShadow
  return one.t > known.t
}

function newest<Timed extends Said>(those: readonly Timed[]): Timed | null {
  let best: Timed | null = null
  for (const one of those) if (best === null || one.t > best.t) best = one
  return best
}

function oldest<Timed extends Said>(those: readonly Timed[]): Timed | null {
  let best: Timed | null = null
  for (const one of those) if (best === null || one.t < best.t) best = one
  return best
}

function drop<One>(list: One[], isOver: (one: One) => boolean): void {
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const one = list[at]
    if (one !== undefined && isOver(one)) list.splice(at, 1)
  }
}
