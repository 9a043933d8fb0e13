import type { Random } from '../../../pipelines/random.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

const RETRY_MS_MIN = SECOND_MS
export const RETRY_MS_MAX = MINUTE_MS
/** A chance from here to the whole, so that the nodes of a provider do not come back at once. */
const JITTER_FROM = 0.5

/** How long to wait before the next try of the same: longer each time, never longer than the bound, never less than was asked for. */
export function retryDelayMs(failures: number, askedMs: number, random: Random): number {
  const doubled = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 16))
  const jittered = doubled * (JITTER_FROM + (1 - JITTER_FROM) * random.next())
  return Math.max(Math.min(askedMs, RETRY_MS_MAX), jittered)
}
