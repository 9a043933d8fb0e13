import type { Clock } from '../../../pipelines/clock.ts'
import { fleetNodeKey } from '../../../schemas/fleet/codecs.ts'
import type { FleetNodeName, Lane } from '../../../schemas/fleet/records.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { replayShare } from './replay-share.ts'

/** Live items are counted over this time and the same time before: the longest interval fits into each. */
export const RATE_SPAN_MS = 5 * MINUTE_MS

/** A node replays while its last replayed batch is no older. */
export const REPLAYING_MS = MINUTE_MS

/** Nodes of a partition that are remembered: beyond them the one that was silent for longest is forgotten. */
export const SEEN_NODES_MAX = 1_000

/** A batch that the log has. */
export type TakenBatch = FleetNodeName & {
  readonly lane: Lane
  readonly interval_s: number
}

interface SeenNode {
  /** Begin of the span that is counted. */
  beganMs: number
  items: number
  /** Of the span before; null where the node was not seen then. */
  before: number | null
  intervalS: number
  replayedMs: number | null
}

/**
 * What a gateway has seen of nodes lately, by which it says how fast each may replay. Another gateway sees other batches: a
 * node that sends all of its own to one gets its whole budget there.
 */
export class LaneRates {
  readonly #clock: Clock
  /** By partition; the one that was seen last is the last one. */
  readonly #nodes: readonly Map<string, SeenNode>[]

  constructor(partitions: number, clock: Clock) {
    this.#nodes = Array.from({ length: partitions }, () => new Map<string, SeenNode>())
    this.#clock = clock
  }

  /** Counts the items of a batch, and returns how many a second its node may replay. */
  took(batch: TakenBatch, items: number): number {
    const nowMs = this.#clock.monotonicMs()
    const nodes =
      this.#nodes[partitionOfNode(batch.provider_id, this.#nodes.length)] ?? new Map<string, SeenNode>()
    const key = fleetNodeKey(batch)
    const node = nodes.get(key) ?? newNode(nowMs)
    nodes.delete(key)
    nodes.set(key, node)
    for (const [silent] of nodes) {
      if (nodes.size <= SEEN_NODES_MAX) break
      nodes.delete(silent)
    }
    node.intervalS = batch.interval_s
    roll(node, nowMs)
    if (batch.lane === 'live') node.items += items
    else node.replayedMs = nowMs
    return shareOf(nodes, node, nowMs)
  }
}

function shareOf(nodes: ReadonlyMap<string, SeenNode>, own: SeenNode, nowMs: number): number {
  const replaying: number[] = []
  let inAll = 0
  for (const node of nodes.values()) {
    const rate = liveRate(node, nowMs)
    inAll += rate
    const isReplaying = node.replayedMs !== null && nowMs - node.replayedMs <= REPLAYING_MS
    if (isReplaying && node !== own) replaying.push(rate)
  }
  return replayShare({ own: liveRate(own, nowMs), replaying, inAll })
}

function newNode(nowMs: number): SeenNode {
  return { beganMs: nowMs, items: 0, before: null, intervalS: 0, replayedMs: null }
}

/** Begins the next span where the present one is over. */
function roll(node: SeenNode, nowMs: number): void {
  const spentMs = nowMs - node.beganMs
  if (spentMs < RATE_SPAN_MS) return
  const isNext = spentMs < 2 * RATE_SPAN_MS
  node.before = isNext ? node.items : null
  node.beganMs = isNext ? node.beganMs + RATE_SPAN_MS : nowMs
  node.items = 0
}

/** Live items a second. What has come since the first batch stands for one interval more than it took to come. */
function liveRate(node: SeenNode, nowMs: number): number {
  roll(node, nowMs)
  const spentS = (nowMs - node.beganMs) / SECOND_MS
  if (node.before === null) return node.items / Math.max(1, spentS + node.intervalS)
  return (node.items + node.before) / (spentS + RATE_SPAN_MS / SECOND_MS)
}
