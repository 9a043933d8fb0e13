import { meaningOf } from './answer-meaning.ts'
import type { BrokerId, Place, PlaceAnswer, ProduceBatch } from './wire.ts'

/** The final outcome of one batch. */
export type BatchOutcome =
  | { readonly is: 'acknowledged'; readonly baseOffset: bigint; readonly logAppendTimeMs: number }
  /** It is in no log, and never will be. */
  | { readonly is: 'not_stored'; readonly error: string }
  /** It is in the log, or it is not, or it may still get there. */
  | { readonly is: 'unknown'; readonly error: string }
  /** Unknown, like the outcome before; and the broker accepts nothing from this producer any more. */
  | { readonly is: 'fenced'; readonly error: string }

/** One request to be sent. */
export interface Attempt {
  readonly id: number
  readonly broker: BrokerId
  readonly batches: readonly ProduceBatch[]
}

/** Pauses before the same batch is sent again: doubled from the first to the last. */
export const RETRY_PAUSE_MS = 20
export const RETRY_PAUSE_MS_MAX = 250

interface Open {
  readonly batch: ProduceBatch
  readonly sinceMs: number
  readonly deadlineMs: number
  readonly settle: (outcome: BatchOutcome) => void
  /** The attempt that is under way; null while the batch waits. */
  attempt: { readonly id: number; readonly broker: BrokerId; readonly sinceMs: number } | null
  notBeforeMs: number
  pauses: number
  /**
   * Null, or the time from which the leader is in doubt: leaders must be queried after it before the batch is sent
   * again.
   */
  leaderDoubtedMs: number | null
  /** True once an attempt may have stored it. */
  mayBeStored: boolean
  lastError: string
}

/** A place as the key of a map. */
export const placeKey = ({ topic, partition }: Place): string => `${topic}/${partition}`

/**
 * The batches of one producer that are not settled, each independent of the others: waiting ⇄ under way at one broker →
 * settled. Each partition has one batch at a time, and each batch one attempt. A retry sends the same batch with the same
 * number, and no other batch with it. This class only decides: its methods are told what happened, and return what to do.
 */
export class Attempts {
  readonly #open = new Map<string, Open>()
  #lastId = 0

  /** Batches that are not settled. */
  get size(): number {
    return this.#open.size
  }

  /** Adds a batch. `settle` is called once with its outcome. Throws where the partition has a batch that is not settled. */
  add(batch: ProduceBatch, nowMs: number, deadlineMs: number, settle: (outcome: BatchOutcome) => void): void {
    const key = placeKey(batch)
    if (this.#open.has(key)) throw new Error(`A batch for ${key} is under way: one at a time.`)
    this.#open.set(key, {
      batch,
      sinceMs: nowMs,
      deadlineMs,
      settle,
      attempt: null,
      notBeforeMs: nowMs,
      pauses: 0,
      leaderDoubtedMs: null,
      mayBeStored: false,
      lastError: 'the cluster named no leader for it',
    })
  }

  /** The requests to send now, one to each broker. They count as under way from here on. */
  begin(nowMs: number, leaderOf: (place: Place) => BrokerId | null): Attempt[] {
    const byBroker = new Map<BrokerId, Open[]>()
    for (const open of this.#open.values()) {
      if (open.attempt !== null || open.leaderDoubtedMs !== null || open.notBeforeMs > nowMs) continue
      const broker = leaderOf(open.batch)
      if (broker === null) {
        open.leaderDoubtedMs = nowMs
        continue
      }
      const together = byBroker.get(broker)
      if (together === undefined) byBroker.set(broker, [open])
      else together.push(open)
    }
    return Array.from(byBroker, ([broker, opens]) => {
      const id = ++this.#lastId
      for (const open of opens) open.attempt = { id, broker, sinceMs: nowMs }
      return { id, broker, batches: opens.map(({ batch }) => batch) }
    })
  }

  /** The broker answered. A batch that the answer does not name waits to be sent again: nothing is known about it. */
  answered(attempt: Attempt, answers: readonly PlaceAnswer[], nowMs: number): void {
    const byPlace = new Map(answers.map((answer) => [placeKey(answer), answer]))
    for (const open of this.#underWay(attempt)) {
      const answer = byPlace.get(placeKey(open.batch))
      if (answer !== undefined) this.#judge(open, answer, nowMs)
      else {
        open.mayBeStored = true
        this.#again(open, nowMs, true, 'its broker did not name it in its answer')
      }
    }
  }

  /** No answer will come. `wasSent` is false where no byte of the request was sent. */
  unanswered(attempt: Attempt, wasSent: boolean, reason: string, nowMs: number): void {
    for (const open of this.#underWay(attempt)) {
      open.mayBeStored ||= wasSent
      this.#again(open, nowMs, true, reason)
    }
  }

  /**
   * Topics whose leaders must be queried before something can be sent, and those of batches that have been open since
   * `slowSinceMs`: a broker that is cut off from its peers does not know that another one leads, and a hung one does not
   * answer.
   */
  leadersWanted(slowSinceMs: number): string[] {
    const topics = new Set<string>()
    for (const { batch, sinceMs, leaderDoubtedMs } of this.#open.values()) {
      if (leaderDoubtedMs !== null || sinceMs <= slowSinceMs) topics.add(batch.topic)
    }
    return [...topics]
  }

  /**
   * Leaders were queried at `queriedMs`, and the answer has arrived. A batch under way at a broker that does not lead any
   * more is given up there: that broker's later answer is ignored, and the batch goes to the new leader under its number.
   */
  leadersHeard(topics: readonly string[], queriedMs: number, nowMs: number, leaderOf: LeaderOf): void {
    for (const open of this.#open.values()) {
      if (!topics.includes(open.batch.topic)) continue
      if (open.leaderDoubtedMs !== null && open.leaderDoubtedMs <= queriedMs) {
        open.leaderDoubtedMs = null
        if (leaderOf(open.batch) === null)
          this.#again(open, nowMs, true, 'the cluster names no leader for it')
      }
      if (open.attempt === null || open.attempt.sinceMs > queriedMs) continue
      const leader = leaderOf(open.batch)
      if (leader === null || leader === open.attempt.broker) continue
      open.mayBeStored = true
      open.attempt = null
      open.notBeforeMs = nowMs
    }
  }

  /** Settles the batches whose deadline has passed. */
  expire(nowMs: number): void {
    for (const open of this.#open.values()) {
      if (open.deadlineMs > nowMs) continue
      const mayBeStored = open.mayBeStored || open.attempt !== null
      const error = open.attempt === null ? open.lastError : 'its broker has not answered'
      this.#settle(open, { is: mayBeStored ? 'unknown' : 'not_stored', error })
    }
  }

  /** Settles all open batches: the producer is closed. */
  giveUp(error: string): void {
    for (const open of this.#open.values()) {
      const mayBeStored = open.mayBeStored || open.attempt !== null
      this.#settle(open, { is: mayBeStored ? 'unknown' : 'not_stored', error })
    }
  }

  /**
   * The time at which there is something to do without an answer; null where only an answer or new leaders can change
   * anything.
   */
  wakeAtMs(): number | null {
    let wakeMs: number | null = null
    for (const { attempt, deadlineMs, leaderDoubtedMs, notBeforeMs } of this.#open.values()) {
      const atMs =
        attempt === null && leaderDoubtedMs === null ? Math.min(notBeforeMs, deadlineMs) : deadlineMs
      if (wakeMs === null || atMs < wakeMs) wakeMs = atMs
    }
    return wakeMs
  }

  #judge(open: Open, answer: PlaceAnswer, nowMs: number): void {
    const { meaning, mayBeStored } = meaningOf(answer.error)
    const error = answer.error ?? 'none'
    switch (meaning) {
      case 'acknowledged':
        this.#settle(open, {
          is: 'acknowledged',
          baseOffset: answer.baseOffset,
          logAppendTimeMs: answer.logAppendTimeMs,
        })
        return
      case 'asked_elsewhere':
      case 'asked_later':
        open.mayBeStored ||= mayBeStored
        this.#again(open, nowMs, meaning === 'asked_elsewhere', error)
        return
      case 'fenced':
        this.#settle(open, { is: 'fenced', error })
        return
      case 'refused':
        this.#settle(open, { is: open.mayBeStored ? 'unknown' : 'not_stored', error })
        return
      case 'unknown':
        this.#settle(open, { is: 'unknown', error })
        return
    }
  }

  #again(open: Open, nowMs: number, askForLeader: boolean, error: string): void {
    open.attempt = null
    open.lastError = error
    open.notBeforeMs = nowMs + Math.min(RETRY_PAUSE_MS * 2 ** open.pauses, RETRY_PAUSE_MS_MAX)
    open.pauses += 1
    if (askForLeader) open.leaderDoubtedMs = nowMs
  }

  #underWay({ id, batches }: Attempt): Open[] {
    return batches.flatMap((batch) => {
      const open = this.#open.get(placeKey(batch))
      return open?.batch === batch && open.attempt?.id === id ? [open] : []
    })
  }

  #settle(open: Open, outcome: BatchOutcome): void {
    this.#open.delete(placeKey(open.batch))
    open.settle(outcome)
  }
}

type LeaderOf = (place: Place) => BrokerId | null
