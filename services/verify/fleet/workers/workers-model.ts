import type { FleetItem, WorkerTelemetry } from '../../../../schemas/fleet/records.ts'
import { addedBy, Cells, minuteAt } from './cells.ts'
import { Marks } from './marks.ts'
import { readingOf, SLOT } from './reading.ts'
import { Sums } from './sums.ts'
import { WorkerTime } from './worker-time.ts'
import type { Came } from './worker-time.ts'
import type { Kept, Stand, Workforce } from './workforce.ts'

const AHEAD_MS = 60_000
const OLD_MS = 80 * 3_600_000
const MINUTE_MS = 60_000

/** A worker whose time is followed. */
export interface Followed extends Kept {
  readonly time: WorkerTime
  readonly cells: Cells
  spreadS: number
}

/** The begin of a minute, and who worked in it. */
export interface MinuteKey extends Stand {
  readonly provider: string
  readonly minute: number
}

/**
 * The rows of fleet_5m and fleet_1m that follow from the records of a partition, in the order of the log. It may begin in
 * the middle: then the workers of the time before come by `follow`.
 */
export class WorkersModel {
  readonly workers = new Map<string, Followed>()
  /** What has left of each minute. */
  readonly minutes = new Map<string, { readonly key: MinuteKey; readonly sums: Sums }>()
  readonly #workforce: Workforce
  readonly #marks = new Marks()
  readonly #waiting = new Map<string, { readonly key: MinuteKey; readonly sums: Sums }>()
  #now = 0
  #nextMinuteMs = 0
  #offset = 0n

  constructor(workforce: Workforce) {
    this.#workforce = workforce
  }

  /** Minutes and groups of which something waits to leave. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** The next record, before what it holds. `nowMs` never falls. */
  pass(nowMs: number, offset: bigint): void {
    this.#offset = offset
    if (this.#nextMinuteMs === 0) this.#nextMinuteMs = Math.floor(nowMs / MINUTE_MS + 1) * MINUTE_MS
    for (; this.#nextMinuteMs <= nowMs; this.#nextMinuteMs += MINUTE_MS) this.#minute(this.#nextMinuteMs)
    this.#now = nowMs
  }

  batch(batch: WorkerTelemetry): void {
    for (const item of batch.items) this.#item(batch, item)
    if (batch.complete.length === 0) return
    const node = `${batch.provider_id}/${batch.location_id}/${batch.node_id}`
    const waiting = [...this.workers.values()].filter(
      ({ provider, time }) => provider === batch.provider_id && time.hasHoles,
    )
    // What settles now did not know yet what this record says.
    for (const followed of waiting) this.#settle(followed, this.#now)
    const isSaid = this.#marks.say(node, batch.complete, this.#now)
    for (const { provider, worker, time } of waiting) {
      time.complete((slot) => isSaid(slot) && this.#nodeOf(provider, worker, slot) === node)
    }
  }

  /** The record has ended: workers that it made begin. */
  end(): void {
    for (const kept of this.#workforce.keptFrom(this.#offset)) this.follow(kept)
  }

  /** Begins to follow a worker, or takes in how it is kept from now on. */
  follow(kept: Kept): void {
    const key = keyOf(kept)
    const known = this.workers.get(key)
    if (known !== undefined) {
      known.time.intervalS = kept.intervalS
      known.spreadS = kept.spreadS
      return
    }
    const cells = new Cells()
    const { provider, worker } = kept
    const stand = (slot: number): Stand | null =>
      this.#workforce.standAt(provider, worker, slot * SLOT * 1_000)
    const book = (slot: number, came: Came | null, isNew: boolean): void => {
      const sums = addedBy(came, isNew)
      if (isNew) cells.settled(slot, sums)
      else cells.filled(slot, sums)
      const at = stand(slot)
      if (at !== null) this.#addMinute({ ...at, provider, minute: minuteAt(slot) }, sums)
    }
    const time = new WorkerTime(this.#now, kept.intervalS, {
      isCommissioned: (slot) => stand(slot) !== null,
      isComplete: (slot) => {
        const node = this.#nodeOf(provider, worker, slot)
        return node !== null && this.#marks.has(node, slot, this.#now)
      },
      settled: (slot, came) => book(slot, came, true),
      filled: (slot, came) => book(slot, came, false),
    })
    this.workers.set(key, { ...kept, time, cells })
  }

  #item(batch: WorkerTelemetry, item: FleetItem): void {
    const machine = item.sample ?? item.poll ?? item.report
    if (machine === null) return
    const { observed_at: t } = machine
    if (t > this.#now + AHEAD_MS || t < this.#now - OLD_MS) return
    const owned = this.#workforce.ownerOf(batch, machine, this.#offset)
    const followed = owned === null ? undefined : this.workers.get(keyOf(owned))
    if (owned === null || followed === undefined) return
    this.#settle(followed, this.#now)
    const said = { intervalS: batch.interval_s, isShadow: owned.isShadow }
    if (item.sample !== null) {
      const plan = this.#workforce.planAt(owned.provider, owned.worker, t, this.#offset)
      followed.time.reading(readingOf(item.sample, plan, said))
      return
    }
    const result = item.poll?.result
    if (result === 'timeout' || result === 'refused') {
      followed.time.failure({ ...said, t, kind: 'unreachable' })
    } else if (result === 'auth_failed' || result === 'unreadable') {
      followed.time.failure({ ...said, t, kind: 'unreadable' })
    }
  }

  #minute(atMs: number): void {
    this.#now = atMs
    for (const followed of this.workers.values()) {
      this.#settle(followed, atMs)
      followed.time.minute(atMs)
      followed.cells.leaveLate()
    }
    for (const [name, { key, sums }] of this.#waiting) {
      const known = this.minutes.get(name) ?? { key, sums: new Sums() }
      known.sums.take(sums)
      this.minutes.set(name, known)
    }
    this.#waiting.clear()
  }

  #settle({ time, cells, spreadS }: Followed, nowMs: number): void {
    time.settle(nowMs)
    cells.leave((nowMs - time.delayMs) / 1_000 - spreadS)
  }

  #addMinute(key: MinuteKey, sums: Sums): void {
    const name = minuteName(key)
    const known = this.#waiting.get(name) ?? { key, sums: new Sums() }
    this.#waiting.set(name, known)
    known.sums.take(sums)
  }

  #nodeOf(provider: string, worker: string, slot: number): string | null {
    return this.#workforce.nodeAt(provider, worker, slot * SLOT * 1_000, this.#offset)
  }
}

export function keyOf({ provider, worker }: Pick<Kept, 'provider' | 'worker'>): string {
  return `${provider}/${worker}`
}

export function minuteName({ provider, algorithm, locationId, containerId, minute }: MinuteKey): string {
  return `${provider}/${algorithm}/${locationId}/${containerId} ${minute}`
}
