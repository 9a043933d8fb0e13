import assert from 'node:assert/strict'
import type { FailedPoll, Reading, SecondsKind } from '../../../../pipelines/fleet/slots/reading.ts'

/** What a second came to. */
export interface Second {
  readonly is: SecondsKind | 'none'
  readonly isBridged: boolean
  /** The reading that the second is, if it is one. */
  readonly reading: Reading | null
}

/** Neighbouring slots. */
interface Run {
  readonly from: number
  readonly to: number
}

const SLOT = 30
const NONE: Second = { is: 'none', isBridged: false, reading: null }
const UNHEARD: Second = { ...NONE, is: 'unheard' }

/** Slots are numbers of half minutes since the epoch here, too; everything else is done second by second. */
const slotOf = (tMs: number): number => Math.floor(tMs / 1_000 / SLOT)

/**
 * The account plane of one worker of one node, done slowly: an array of seconds, and lists of all that is known. It is what
 * the pages are compared with, and shares nothing with them.
 */
export class AccountJudge {
  /** By second since the epoch: what has settled. */
  readonly seconds = new Map<number, Second>()
  readonly #intervalS: number
  readonly #firstSlot: number
  #openSlot: number
  #nextMinuteMs: number
  /** Of slots that have not settled. */
  #openReadings: Reading[] = []
  #openPolls: FailedPoll[] = []
  /** Of slots that have. */
  readonly #known: Reading[] = []
  readonly #polls: FailedPoll[] = []
  readonly #complete: Run[] = []

  constructor(startMs: number, intervalS: number) {
    this.#intervalS = intervalS
    this.#firstSlot = slotOf(startMs)
    this.#openSlot = this.#firstSlot
    this.#nextMinuteMs = (Math.floor(startMs / 60_000) + 1) * 60_000
  }

  /** The readings that counted, in the order of their times. */
  get known(): readonly Reading[] {
    return this.#known.toSorted((one, other) => one.tMs - other.tMs)
  }

  /** Time passes: slots settle, and at full minutes holes are filled whose edges are near. */
  advance(nowMs: number): void {
    for (; this.#nextMinuteMs <= nowMs; this.#nextMinuteMs += 60_000) {
      this.#settle(this.#nextMinuteMs)
      for (const run of this.#runs()) this.#bridge(run)
    }
    this.#settle(nowMs)
  }

  #settle(nowMs: number): void {
    const delayS = Math.min(600, Math.max(120, 2 * this.#intervalS))
    while (((this.#openSlot + 1) * SLOT + delayS) * 1_000 <= nowMs) this.#settleNext()
  }

  #settleNext(): void {
    const slot = this.#openSlot
    const own = newest(this.#openReadings.filter(({ tMs }) => slotOf(tMs) === slot))
    const poll = newest(this.#openPolls.filter(({ tMs }) => slotOf(tMs) === slot))
    if (own !== null) this.#learn(own)
    if (poll !== null) this.#polls.push(poll)
    this.#openReadings = this.#openReadings.filter(({ tMs }) => slotOf(tMs) > slot)
    this.#openPolls = this.#openPolls.filter(({ tMs }) => slotOf(tMs) > slot)
    this.#openSlot++
    const last = newest(this.#known.filter(({ tMs }) => slotOf(tMs) <= slot))
    const nextSlot = Math.min(...this.#openReadings.map(({ tMs }) => slotOf(tMs)))
    const next = newest(this.#openReadings.filter(({ tMs }) => slotOf(tMs) === nextSlot))
    if (last !== null && this.#reaches(last, slot)) this.#fill(slot, last, false)
    else if (last !== null && next !== null && this.#isBridge(last, next)) this.#fill(slot, last, true)
    else this.#set(slot, this.#polled(slot, last) ?? (this.#isComplete(slot) ? UNHEARD : NONE))
  }

  /** Applies a reading to open slots or to the past. */
  reading(reading: Reading): void {
    const slot = slotOf(reading.tMs)
    if (slot >= this.#openSlot) {
      this.#openReadings.push(reading)
      return
    }
    const isNone = this.#at(slot)?.is === 'none'
    if (!isNone && !this.#reachesOn(reading)) return
    if (isNone) this.#fill(slot, reading, false)
    this.#learn(reading)
  }

  /** Whether the reading's time covers an empty or open slot, and no other reading before that is newer. */
  #reachesOn(reading: Reading): boolean {
    for (let slot = slotOf(reading.tMs) + 1; this.#reaches(reading, slot); slot++) {
      const isEmpty = slot === this.#openSlot || this.#at(slot)?.is === 'none'
      const before = newest(this.#known.filter(({ tMs }) => slotOf(tMs) < slot))
      if (isEmpty && (before === null || before.tMs < reading.tMs)) return true
    }
    return false
  }

  failedPoll(poll: FailedPoll): void {
    const slot = slotOf(poll.tMs)
    if (slot >= this.#openSlot) {
      this.#openPolls.push(poll)
      return
    }
    const before = newest(this.#known.filter(({ tMs }) => slotOf(tMs) < slot))
    const isReached = before !== null && this.#reaches(before, slot)
    if (this.#at(slot)?.is === 'none' && !isReached) {
      this.#fillReach(this.#runAt(slot), slot)
      this.#set(slot, { ...NONE, is: poll.seconds })
    }
    this.#polls.push(poll)
  }

  complete(fromMs: number, toMs: number): void {
    const from = Math.ceil(fromMs / 1_000 / SLOT)
    const to = Math.floor(toMs / 1_000 / SLOT)
    for (const run of this.#runs()) if (run.from < to && run.to > from) this.#bridge(run)
    for (let slot = from; slot < to; slot++) {
      if (this.#at(slot)?.is !== 'none') continue
      const last = newest(this.#known.filter(({ tMs }) => slotOf(tMs) < slot))
      if (last !== null && this.#reaches(last, slot)) this.#fill(slot, last, false)
      else this.#set(slot, this.#polled(slot, last) ?? UNHEARD)
    }
    this.#complete.push({ from, to })
  }

  #isComplete(slot: number): boolean {
    return this.#complete.some(({ from, to }) => from <= slot && slot < to)
  }

  /** Nothing comes any more: what is still left for others is what reaches it. */
  end(): void {
    for (const run of this.#runs()) {
      this.#bridge(run)
      this.#fillReach(run, run.to)
    }
  }

  /** A reading that counts from now on: what is before it reaches to it, or is bridged to it. */
  #learn(reading: Reading): void {
    this.#known.push(reading)
    for (const run of this.#runs()) {
      if (this.#rightOf(run) !== reading) continue
      this.#fillReach(run, run.to)
      this.#bridge(run)
    }
  }

  /** Fills what is left of a run if its edges are near. */
  #bridge(run: Run): void {
    const left = this.#leftOf(run)
    const right = this.#rightOf(run)
    if (left === null || right === null || !this.#isBridge(left, right)) return
    for (let slot = run.from; slot < run.to; slot++) {
      if (this.#at(slot)?.is === 'none') this.#fill(slot, left, !this.#reaches(left, slot))
    }
  }

  #leftOf({ from }: Run): Reading | null {
    return newest(this.#known.filter(({ tMs }) => slotOf(tMs) < from))
  }

  #rightOf({ to }: Run): Reading | null {
    return oldest(this.#known.filter(({ tMs }) => slotOf(tMs) >= to))
  }

  /** Fills the beginning of a run, up to a slot, by the reading and the failed poll before it. */
  #fillReach(run: Run, until: number): void {
    const left = this.#leftOf(run)
    for (let slot = run.from; slot < until; slot++) {
      if (this.#at(slot)?.is !== 'none') continue
      if (left !== null && this.#reaches(left, slot)) this.#fill(slot, left, false)
      else {
        const polled = this.#polled(slot, left)
        if (polled === null) return
        this.#set(slot, polled)
      }
    }
  }

  /** The newest failed poll before or in a slot, if it is newer than the newest reading and covers the slot. */
  #polled(slot: number, last: Reading | null): Second | null {
    const poll = newest(
      this.#polls.filter(({ tMs }) => slotOf(tMs) <= slot && (last === null || tMs >= last.tMs)),
    )
    return poll !== null && this.#reaches(poll, slot) ? { ...NONE, is: poll.seconds } : null
  }

  #reaches({ tMs }: { readonly tMs: number }, slot: number): boolean {
    return slot * SLOT * 1_000 < tMs + this.#intervalS * 1_000
  }

  #isBridge(first: Reading, second: Reading): boolean {
    return second.tMs - first.tMs <= 2_500 * this.#intervalS
  }

  #at(slot: number): Second | undefined {
    return this.seconds.get(slot * SLOT)
  }

  #set(slot: number, second: Second): void {
    for (let at = slot * SLOT; at < (slot + 1) * SLOT; at++) {
      const known = this.seconds.get(at)
      assert.ok(known === undefined || known.is === 'none', 'a second counts once')
      this.seconds.set(at, second)
    }
  }

  #fill(slot: number, reading: Reading, isBridged: boolean): void {
    this.#set(slot, { is: secondsSaid(reading), isBridged, reading })
  }

  /** Settled slots with none, joined where they touch. */
  #runs(): Run[] {
    const runs: { from: number; to: number }[] = []
    for (let slot = this.#firstSlot; slot < this.#openSlot; slot++) {
      if (this.#at(slot)?.is !== 'none') continue
      const last = runs.at(-1)
      if (last?.to === slot) last.to++
      else runs.push({ from: slot, to: slot + 1 })
    }
    return runs
  }

  #runAt(slot: number): Run {
    const run = this.#runs().find(({ from, to }) => from <= slot && slot < to)
    assert.ok(run !== undefined)
    return run
  }
}

function newest<Timed extends { readonly tMs: number }>(those: readonly Timed[]): Timed | null {
  return those.reduce<Timed | null>((best, one) => (best === null || one.tMs > best.tMs ? one : best), null)
}

function oldest<Timed extends { readonly tMs: number }>(those: readonly Timed[]): Timed | null {
  return those.reduce<Timed | null>((best, one) => (best === null || one.tMs < best.tMs ? one : best), null)
}

/** What is compared: of a stretch of seconds. */
export interface Judged {
  readonly seconds: Readonly<Record<string, number>>
  readonly bridgedS: number
  readonly commissionedS: number
  readonly hashes: bigint
  readonly joules: Readonly<Record<string, number>>
}

/** Adds up the seconds of each stretch of `lengthS`, by the number of the stretch since the epoch. */
export function judged(seconds: ReadonlyMap<number, Second>, lengthS: number): Map<number, Judged> {
  const byStretch = Map.groupBy(seconds, ([at]) => Math.floor(at / lengthS))
  return new Map(
    [...byStretch].map(([stretch, entries]) => {
      const those = entries.map(([at, second]) => ({ at, ...second }))
      const perSlot = those.filter(({ at }) => at % SLOT === 0)
      const joules = perSlot.flatMap(({ reading }) => (reading === null ? [] : [joulesSaid(reading)]))
      return [
        stretch,
        {
          seconds: counted(those.filter(({ is }) => is !== 'none').map(({ is }) => [is, 1])),
          bridgedS: those.filter(({ isBridged }) => isBridged).length,
          commissionedS: those.length,
          hashes: those.reduce((sum, { reading }) => sum + BigInt(reading?.rateHs ?? 0), 0n),
          joules: counted(joules),
        },
      ]
    }),
  )
}

function secondsSaid({ rateHs, intendedHs, isMining }: Reading): SecondsKind {
  const isHashing = rateHs !== null && rateHs * 10 > (intendedHs ?? 0)
  if (isHashing) return 'hashing'
  if (isMining === false) return 'resting'
  return rateHs === null ? 'unreadable' : 'idle'
}

/** Of a slot, by source. */
function joulesSaid({ powerW, powerSource, nameplateW, rateHs, intendedHs }: Reading): [string, number] {
  if (powerW !== null) return [powerSource ?? '', Math.round(powerW * SLOT)]
  const watts = ((nameplateW ?? 0) * Math.min(rateHs ?? 0, intendedHs ?? 0)) / (intendedHs ?? 1)
  return ['nameplate', Math.round(watts * SLOT)]
}

/** What a counter added over readings in order, each with the uptime that tells whether it was set to 0 before. */
export function totalSaid(readings: readonly Reading[]): number {
  return readings.slice(1).reduce((sum, reading, nth) => {
    const before = readings[nth] as Reading
    const elapsedS = Math.floor(reading.tMs / 1_000) - Math.floor(before.tMs / 1_000)
    const isRestart = (reading.counters.uptimeS ?? 0) < (before.counters.uptimeS ?? 0) + elapsedS - 30
    return sum + (reading.counters.accepted ?? 0) - (isRestart ? 0 : (before.counters.accepted ?? 0))
  }, 0)
}

/** Sums by name, without the ones that are 0. */
export function counted(amounts: readonly (readonly [string, number])[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, amount] of amounts) if (amount !== 0) sums[name] = (sums[name] ?? 0) + amount
  return Object.fromEntries(Object.entries(sums).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
