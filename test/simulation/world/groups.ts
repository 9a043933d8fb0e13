import type { Random } from '../../../pipelines/random.ts'
import type { Timeline } from './timeline.ts'
import { BrokerRefusal } from './transactions.ts'

/** What a member gets when the group has joined: partition numbers, the same for every topic of the group. */
export interface Joined {
  readonly memberId: string
  readonly generation: number
  readonly partitions: readonly number[]
}

export interface GroupOptions {
  readonly sessionMs: number
  readonly rebalanceMs: number
  readonly partitions: number
}

interface Member {
  lastHeardMs: number
  /** Answers the join request that waits for the other members. */
  joining: ((joined: Joined) => void) | undefined
}

const SCAN_MS = 500
/** A new group waits for the first members to come together. */
const FIRST_JOIN_MS = 200

/**
 * A consumer group on its coordinator: generations, rebalances that wait for all, and members that are removed after
 * silence.
 */
export class Group {
  readonly offsets = new Map<string, bigint>()
  readonly #options: GroupOptions
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #members = new Map<string, Member>()
  #generation = 0
  #isRebalancing = false
  #rebalanceEndsMs = 0

  readonly #isServed: () => boolean

  /** `isServed`: false while its coordinator does not answer. */
  constructor(options: GroupOptions, timeline: Timeline, random: Random, isServed: () => boolean) {
    this.#options = options
    this.#timeline = timeline
    this.#random = random
    this.#isServed = isServed
    this.#scan()
  }

  /** Resolves when all members have joined, or the missing ones are given up. */
  async join(memberId: string | null): Promise<Joined> {
    if (memberId !== null && !this.#members.has(memberId)) throw new BrokerRefusal('UNKNOWN_MEMBER_ID')
    const id = memberId ?? `member-${this.#random.bytes(4).toString('hex')}`
    const { promise, resolve } = Promise.withResolvers<Joined>()
    const isFirst = this.#members.size === 0
    this.#members.set(id, { lastHeardMs: this.#timeline.nowMs, joining: resolve })
    this.#rebalance()
    if (isFirst) this.#timeline.after(FIRST_JOIN_MS, () => this.#complete())
    else this.#complete()
    return await promise
  }

  heartbeat(memberId: string, generation: number): void {
    this.#memberOf(memberId, generation).lastHeardMs = this.#timeline.nowMs
    if (this.#isRebalancing) throw new BrokerRefusal('REBALANCE_IN_PROGRESS')
  }

  commit(memberId: string, generation: number, place: string, offset: bigint): void {
    this.#memberOf(memberId, generation).lastHeardMs = this.#timeline.nowMs
    this.offsets.set(place, offset)
  }

  leave(memberId: string): void {
    if (this.#members.delete(memberId)) this.#rebalance()
    this.#complete()
  }

  #memberOf(memberId: string, generation: number): Member {
    const member = this.#members.get(memberId)
    if (member === undefined) throw new BrokerRefusal('UNKNOWN_MEMBER_ID')
    if (generation !== this.#generation) throw new BrokerRefusal('ILLEGAL_GENERATION')
    return member
  }

  #rebalance(): void {
    if (this.#isRebalancing) return
    this.#isRebalancing = true
    this.#rebalanceEndsMs = this.#timeline.nowMs + this.#options.rebalanceMs
  }

  #complete(): void {
    if (!this.#isRebalancing) return
    const isOver = this.#timeline.nowMs >= this.#rebalanceEndsMs
    for (const [id, { joining }] of this.#members) {
      if (joining !== undefined) continue
      if (!isOver) return
      this.#members.delete(id)
    }
    this.#isRebalancing = false
    this.#generation++
    const ids = [...this.#members.keys()].toSorted()
    const all = Array.from({ length: this.#options.partitions }, (_, partition) => partition)
    for (const [number, memberId] of ids.entries()) {
      const member = this.#members.get(memberId) as Member
      const { joining } = member
      member.joining = undefined
      member.lastHeardMs = this.#timeline.nowMs
      const partitions = all.filter((partition) => partition % ids.length === number)
      joining?.({ memberId, generation: this.#generation, partitions })
    }
  }

  #scan(): void {
    this.#timeline.after(SCAN_MS, () => {
      for (const [id, member] of this.#members) {
        // A coordinator that comes back, or its successor, gives every member a whole session.
        if (!this.#isServed()) member.lastHeardMs = this.#timeline.nowMs
        const { lastHeardMs, joining } = member
        if (joining !== undefined || this.#timeline.nowMs - lastHeardMs <= this.#options.sessionMs) continue
        this.#members.delete(id)
        this.#rebalance()
      }
      this.#complete()
      this.#scan()
    })
  }
}
