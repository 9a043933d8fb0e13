import { BATCH_ITEMS_MAX } from '../../../schemas/fleet/bounds.ts'
import type { Frame, FrameHead } from './frame.ts'
import type { Block } from './spool-index.ts'

/** The blocks that frames of a file are. */
export function blocksOf(file: string, frames: readonly FrameHead[]): Block[] {
  return frames.map(({ epoch, first, count, sizeBytes, fromMs, toMs, waits }) => ({
    file,
    epoch,
    from: first,
    to: first + count,
    sizeBytes,
    times: waits === null ? { from: fromMs, to: toMs + 1 } : null,
  }))
}

/** Frames of one file as few as they can be: those that follow each other without a gap become one. */
export function runsOf(frames: readonly Frame[]): Frame[] {
  const runs: Frame[] = []
  for (const frame of frames) {
    const last = runs.at(-1)
    if (last !== undefined && follows(last, frame)) {
      runs[runs.length - 1] = {
        ...last,
        items: [...last.items, ...frame.items],
        fromMs: Math.min(last.fromMs, frame.fromMs),
        toMs: Math.max(last.toMs, frame.toMs),
      }
    } else runs.push(frame)
  }
  return runs
}

function follows(last: Frame, next: Frame): boolean {
  return (
    next.epoch === last.epoch &&
    next.first === last.first + last.items.length &&
    next.waits?.bootId === last.waits?.bootId &&
    last.items.length + next.items.length <= BATCH_ITEMS_MAX
  )
}
