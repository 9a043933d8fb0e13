/** The result of a command, as long as a repeat gets the same answer. */
export interface ModelOutcome {
  readonly nodeId: string
  readonly status: number
  readonly code: string
  /** Canonical JSON. */
  readonly result: string
  readonly untilMs: number
  readonly isCounted: boolean
  /** The credential that it is counted for, "" for those of before these rules; admins are counted apart. */
  readonly caller: string
  readonly byAdmin: boolean
}

/** Outcomes are forgotten by the minute. */
const MINUTE_MS = 60_000

/** Writes of one node within a day by the older rules, and by one credential since. */
const FEW_MAX = 1_000

/** Writes of one node by all callers that are not admins, and again by admins. */
const MANY_MAX = 5_000

/** True once no client may rely on an outcome any more; the settler drops it with its next batch. */
export function isOver({ untilMs }: Pick<ModelOutcome, 'untilMs'>, nowMs: number): boolean {
  return nowMs >= (Math.floor(untilMs / MINUTE_MS) + 1) * MINUTE_MS
}

/** The outcomes of the commands of one inbox, by "node/command". */
export class ModelOutcomes {
  readonly all = new Map<string, ModelOutcome>()
  readonly #counted = new Map<string, Set<string>>()

  isKnown(key: string, nowMs: number): boolean {
    const outcome = this.all.get(key)
    return outcome !== undefined && !isOver(outcome, nowMs)
  }

  /** `ofEach`: by credential, and not by node alone as before. */
  isFull(nodeId: string, sender: CommandCaller, ofEach: boolean, nowMs: number): boolean {
    if (!ofEach) return this.#holds(`all of ${nodeId}`, FEW_MAX, nowMs)
    return this.#hasNoPlace(`of ${nodeId}`, sender, nowMs)
  }

  /** Whether no further release can be kept for a day; releases have places of their own. */
  hasNoRelease(nodeId: string, sender: CommandCaller, nowMs: number): boolean {
    return this.#hasNoPlace(`gave back of ${nodeId}`, sender, nowMs)
  }

  #hasNoPlace(where: string, { caller, byAdmin }: CommandCaller, nowMs: number): boolean {
    if (byAdmin) return this.#holds(`admins ${where}`, MANY_MAX, nowMs)
    return (
      this.#holds(`others ${where}`, MANY_MAX, nowMs) || this.#holds(`${caller} ${where}`, FEW_MAX, nowMs)
    )
  }

  #holds(group: string, most: number, nowMs: number): boolean {
    const counted = this.#counted.get(group)
    if (counted === undefined || counted.size < most) return false
    for (const key of counted) {
      const outcome = this.all.get(key)
      if (outcome === undefined || isOver(outcome, nowMs)) counted.delete(key)
    }
    return counted.size >= most
  }

  set(key: string, outcome: ModelOutcome): void {
    this.delete(key)
    this.all.set(key, outcome)
    if (!outcome.isCounted) return
    for (const group of groupsOf(outcome)) {
      const counted = this.#counted.get(group)
      if (counted === undefined) this.#counted.set(group, new Set([key]))
      else counted.add(key)
    }
  }

  delete(key: string): void {
    const outcome = this.all.get(key)
    if (outcome === undefined) return
    this.all.delete(key)
    for (const group of groupsOf(outcome)) this.#counted.get(group)?.delete(key)
  }
}

type CommandCaller = Pick<ModelOutcome, 'caller' | 'byAdmin'>

function groupsOf({ nodeId, caller, byAdmin, status, code }: ModelOutcome): string[] {
  const isRelease = status === 204 || code === 'reservation_not_found'
  const where = isRelease ? `gave back of ${nodeId}` : `of ${nodeId}`
  const all = `all of ${nodeId}`
  return byAdmin ? [all, `admins ${where}`] : [all, `others ${where}`, `${caller} ${where}`]
}
