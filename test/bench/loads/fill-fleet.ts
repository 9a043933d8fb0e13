import type { HandedOver } from '../contestants/check-hand-over.ts'
import { Fleet, PACK } from './fleet.ts'
import { TopicFiller } from './topics.ts'

const SPAN_MS = 600_000

/** Fills `topic` with `count` events of `nodes` nodes over ten minutes, by default the last ones, none of them twice. */
export async function fillFleet(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly nodes: number
  readonly count: number
  readonly seed: number
  /** How many ten minutes ago the last event was. */
  readonly spansAgo?: number
}): Promise<HandedOver> {
  const { count, spansAgo = 0 } = options
  const fleet = new Fleet(options)
  const writer = new TopicFiller({ ...options, pack: PACK })
  const startMs = Date.now() - (1 + spansAgo) * SPAN_MS
  let paidNanoUsd = 0n
  for (let index = 0; index < count; index++) {
    const one = fleet.event(index, startMs + Math.floor((index / count) * SPAN_MS))
    if (one.event.task_source !== 'own') paidNanoUsd += BigInt(one.event.cost_nano_usd)
    await writer.add(one)
  }
  await writer.end()
  return { unique: count, paidNanoUsd }
}
