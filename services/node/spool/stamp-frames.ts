import type { NodeTime } from '../time/node-time.ts'
import type { Frame } from './frame.ts'
import { decodeItem, encodeItem, observedAt, stamped } from './item-bytes.ts'

/**
 * Frames with their time, once the log's time is known. What was made in this boot is as old as the monotonic clock says; what an
 * earlier boot has left has the time of its wall clock then, or none, and is left out.
 */
export function withTimes(frames: readonly Frame[], time: NodeTime): Frame[] {
  return frames.flatMap((frame) => {
    if (frame.waits === null) return [frame]
    const at = timeOf(frame.waits, time)
    if (at === null) return []
    const items = frame.items.map((bytes) => {
      const item = decodeItem(bytes)
      return encodeItem(stamped(item, at(observedAt(item))))
    })
    return [{ ...frame, items, fromMs: at(frame.fromMs), toMs: at(frame.toMs), waits: null }]
  })
}

function timeOf(
  { bootId, wallOffsetMs }: NonNullable<Frame['waits']>,
  time: NodeTime,
): ((bootMs: number) => number) | null {
  const offsetMs = bootId === time.bootId ? time.logTimeAt(0) : wallOffsetMs
  if (offsetMs === null) return null
  return (bootMs) => Math.max(0, Math.round(bootMs + offsetMs))
}
