import type { Disk } from './disk.ts'
import { framesIn, itemsOfFrame } from './frame.ts'
import type { Frame, FrameHead } from './frame.ts'
import type { Losses } from './losses.ts'
import { difference } from './ranges.ts'
import type { Block, SpoolIndex } from './spool-index.ts'

/** The disk says that it has lost what was on it. Any other failure, as without free file handles, may pass. */
const LOST = 'EIO'

/** A file as far as the disk has it: nothing where it has lost it. Rejects where it cannot be read now, and may be later. */
export async function readKept(disk: Disk, name: string, losses: Losses): Promise<Buffer> {
  try {
    return (await disk.read(name)) ?? Buffer.alloc(0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === LOST)) throw error
    losses.diskFailed(error)
    return Buffer.alloc(0)
  }
}

/** The frames of a file of which something is held. */
export function heldFrames(file: Buffer, blocks: readonly Block[]): readonly Frame[] {
  const isHeld = ({ epoch, first, count }: FrameHead): boolean =>
    blocks.some((block) => block.epoch === epoch && block.from < first + count && block.to > first)
  const heads = framesIn(file).frames.filter(isHeld)
  return heads.map((head) => Object.assign({ items: itemsOfFrame(file, head) }, head))
}

/** What a file had before and has no more is not held; what was left out on purpose has no time. */
export function releaseMissing(
  index: SpoolIndex,
  losses: Losses,
  {
    before,
    held,
    changed,
  }: {
    readonly before: readonly Block[]
    readonly held: readonly Frame[]
    readonly changed: readonly Frame[]
  },
): void {
  let missing = 0
  for (const block of before) {
    const there = changed
      .filter(({ epoch }) => epoch === block.epoch)
      .map(({ first, items }) => ({ from: first, to: first + items.length }))
    for (const range of difference([block], there)) missing += index.release(block.epoch, range).items
  }
  const leftOut = itemsOf(held) - itemsOf(changed)
  if (leftOut > 0) losses.lost('no_time', leftOut, [])
  const damaged = missing - leftOut
  if (damaged > 0) {
    const times = before.map(({ times }) => times)
    losses.lost('damaged', damaged, times)
  }
}

function itemsOf(frames: readonly Frame[]): number {
  return frames.reduce((count, { items }) => count + items.length, 0)
}
