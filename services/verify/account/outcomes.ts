/** What a command came to, as long as a repeat gets the same answer. */
export interface ModelOutcome {
  readonly nodeId: string
  readonly status: number
  readonly code: string
  /** Canonical JSON. */
  readonly result: string
  readonly untilMs: number
  readonly isCounted: boolean
}

/** Outcomes are forgotten by the minute. */
const MINUTE_MS = 60_000

/** Writes of one node within a day. */
const COUNTED_MAX = 1_000

/** True once nobody may rely on an outcome any more; the settler drops it with its next batch. */
export function isOver({ untilMs }: Pick<ModelOutcome, 'untilMs'>, nowMs: number): boolean {
  return nowMs >= (Math.floor(untilMs / MINUTE_MS) + 1) * MINUTE_MS
}

/** What became of the commands of one inbox, by "node/command". */
export class ModelOutcomes {
  readonly all = new Map<string, ModelOutcome>()
  readonly #counted = new Map<string, Set<string>>()

  isKnown(key: string, nowMs: number): boolean {
    const outcome = this.all.get(key)
    return outcome !== undefined && !isOver(outcome, nowMs)
  }

  isFull(nodeId: string, nowMs: number): boolean {
    const counted = this.#counted.get(nodeId)
    if (counted === undefined || counted.size < COUNTED_MAX) return false
    for (const key of counted) {
      const outcome = this.all.get(key)
      if (outcome === undefined || isOver(outcome, nowMs)) counted.delete(key)
    }
    return counted.size >= COUNTED_MAX
  }

  set(key: string, outcome: ModelOutcome): void {
    this.delete(key)
    this.all.set(key, outcome)
    if (!outcome.isCounted) return
    const counted = this.#counted.get(outcome.nodeId)
    if (counted === undefined) this.#counted.set(outcome.nodeId, new Set([key]))
    else counted.add(key)
  }

  delete(key: string): void {
    const outcome = this.all.get(key)
    if (outcome === undefined) return
    this.all.delete(key)
    this.#counted.get(outcome.nodeId)?.delete(key)
  }
}
