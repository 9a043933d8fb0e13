/** The fates of the events of one request, by their position in what was offered. */
export interface Outcome {
  /** Number of events that the broker has acknowledged. */
  readonly acknowledged: number
  /** Sent, and not acknowledged in time: they may or may not be in the log. */
  readonly unknown: readonly number[]
  /** Never sent. */
  readonly notTaken: readonly number[]
  /** The log's time of the newest of its records that were acknowledged; null where none was. */
  readonly logTimeMs: number | null
}

export type Fate = 'acknowledged' | 'unknown' | 'notTaken'

/** The events of one request on their way to the log, in one record or in several. */
export class Submission {
  /** Resolves once the fate of every event is known; never rejects. */
  readonly outcome: Promise<Outcome>
  readonly #resolve: (outcome: Outcome) => void
  readonly #unknown: number[] = []
  readonly #notTaken: number[] = []
  #acknowledged = 0
  #logTimeMs: number | null = null
  #open: number

  constructor(events: number) {
    this.#open = events
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#resolve = resolve
  }

  /** Called once for each event. */
  settle(positions: readonly number[], fate: Fate, logTimeMs: number | null = null): void {
    if (logTimeMs !== null) this.#logTimeMs = Math.max(this.#logTimeMs ?? 0, logTimeMs)
    if (fate === 'acknowledged') this.#acknowledged += positions.length
    else (fate === 'unknown' ? this.#unknown : this.#notTaken).push(...positions)
    this.#open -= positions.length
    if (this.#open > 0) return
    this.#resolve({
      acknowledged: this.#acknowledged,
      unknown: this.#unknown.sort(ascending),
      notTaken: this.#notTaken.sort(ascending),
      logTimeMs: this.#logTimeMs,
    })
  }
}

function ascending(left: number, right: number): number {
  return left - right
}
