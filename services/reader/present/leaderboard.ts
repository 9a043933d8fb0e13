import type { Clock } from '../../../pipelines/clock.ts'
import { othersTurn } from '../../../pipelines/in-turns.ts'
import type { Score } from '../../../pipelines/account/score.ts'
import { livenessOf } from '../../../pipelines/account/uptime.ts'
import { LEADERBOARD_LIMIT_MAX } from '../../../schemas/http/hosting.ts'
import type { ProviderMode } from '../../../schemas/http/provider.ts'
import type { NodeState, Present } from './present.ts'
import { scoreIn } from './provider-view.ts'

/** The greatest age of a ranking where nodes are few … */
const RANKING_AGE_MS_MAX = 1_000

/** … and the greatest share of the time that computing it takes where they are many. */
const COMPUTING_SHARE = 0.1

/** Nodes that are scored before other requests get a turn. */
const NODES_PER_TURN = 500

export interface Ranked {
  readonly nodeId: string
  readonly score: Score
  readonly status: 'active' | 'stale'
}

export interface RankingAnswer {
  /** The highest score first; of equal ones the lower id. */
  readonly ranked: readonly Ranked[]
  /** Active and stale nodes in all. */
  readonly nodes: number
  readonly computedAtMs: number
}

interface Held {
  readonly answer: Promise<RankingAnswer>
  untilMs: number
}

/** The nodes with the highest scores. Scores change with time alone, so they are computed when they are requested. */
export class Ranking {
  readonly #present: Present
  readonly #clock: Clock
  readonly #held = new Map<ProviderMode, Held>()

  constructor(present: Present, clock: Clock) {
    this.#present = present
    this.#clock = clock
  }

  async of(mode: ProviderMode): Promise<RankingAnswer> {
    await this.#present.loaded()
    const known = this.#held.get(mode)
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) return await known.answer
    const held: Held = { answer: this.#compute(mode), untilMs: Number.POSITIVE_INFINITY }
    this.#held.set(mode, held)
    const startMs = this.#clock.monotonicMs()
    try {
      return await held.answer
    } finally {
      const endMs = this.#clock.monotonicMs()
      held.untilMs = endMs + Math.max(RANKING_AGE_MS_MAX, (endMs - startMs) / COMPUTING_SHARE)
    }
  }

  async #compute(mode: ProviderMode): Promise<RankingAnswer> {
    const computedAtMs = this.#clock.nowMs()
    let best: Ranked[] = []
    let nodes = 0
    let seen = 0
    for (const state of this.#present.all()) {
      seen += 1
      if (seen % NODES_PER_TURN === 0) await othersTurn()
      const ranked = rankedOf(state, mode)
      if (ranked === null) continue
      nodes += 1
      best.push(ranked)
      if (best.length >= 2 * LEADERBOARD_LIMIT_MAX) best = firstOf(best)
    }
    return { ranked: firstOf(best), nodes, computedAtMs }
  }
}

function rankedOf(state: NodeState, mode: ProviderMode): Ranked | null {
  const status = livenessOf(state.account, state.rules, state.nowMs)
  if (status === null || status === 'dead') return null
  return { nodeId: state.account.node_id, score: scoreIn(state, mode), status }
}

function firstOf(ranked: readonly Ranked[]): Ranked[] {
  return ranked.toSorted(higherFirst).slice(0, LEADERBOARD_LIMIT_MAX)
}

function higherFirst(left: Ranked, right: Ranked): number {
  const difference = right.score.units - left.score.units
  if (difference !== 0n) return difference > 0n ? 1 : -1
  return left.nodeId < right.nodeId ? -1 : 1
}
