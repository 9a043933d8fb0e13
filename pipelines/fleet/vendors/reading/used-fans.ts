import type { ModelRecord } from '../../poll.ts'
import type { FanReading } from '../../reading.ts'

/**
 * The fans among the connectors that a machine lists. One of the model's number that stands still has failed; beyond that
 * number one that stands still is an empty connector. Where one turns beyond it, the fans stand on connectors further on, and
 * only those that turn can be told from empty ones.
 */
export function usedFans(connectors: readonly FanReading[], model: ModelRecord | null): FanReading[] {
  const count = model?.fans ?? Number.POSITIVE_INFINITY
  const turns = ({ rpm }: FanReading): boolean => (rpm ?? 0) > 0
  const isBeyond = connectors.some((fan) => fan.index >= count && turns(fan))
  return connectors.filter((fan) => (isBeyond ? turns(fan) : fan.index < count))
}
