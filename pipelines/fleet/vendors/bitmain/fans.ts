import type { FanReading } from '../../reading.ts'
import type { ModelRecord } from '../../poll.ts'

/**
 * The machine's fans among its connectors. Its own number of fans counts, then the model's; connectors beyond it are not
 * used. Old machines have their fans on connectors further on: there only those that turn can be told from empty ones.
 */
export function fansAmong(
  rpms: readonly (number | null)[],
  fanCount: number | null,
  model: ModelRecord | null,
): FanReading[] | null {
  if (rpms.length === 0) return fanCount === 0 ? [] : null
  const count = fanCount ?? model?.fans ?? rpms.length
  const fans = rpms.map((rpm, index) => ({ index, rpm }))
  const isBeyond = fans.some(({ index, rpm }) => index >= count && (rpm ?? 0) > 0)
  return isBeyond ? fans.filter(({ rpm }) => (rpm ?? 0) > 0) : fans.slice(0, count)
}
