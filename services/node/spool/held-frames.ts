import type { Disk } from './disk.ts'
import { framesIn, itemsOfFrame } from './frame.ts'
import type { Frame, FrameHead } from './frame.ts'
import type { Losses } from './losses.ts'
import { difference } from './ranges.ts'
import type { Block, SpoolIndex } from './spool-index.ts'

/** The frames of a file of which something is held; none where the disk does not give them back. */
export async function heldFrames(of: {
  readonly disk: Disk
  readonly name: string
  readonly blocks: readonly Block[]
  readonly losses: Losses
}): Promise<readonly Frame[]> {
  const { disk, name, blocks, losses } = of
  const isHeld = ({ epoch, first, count }: FrameHead): boolean =>
    blocks.some((block) => block.epoch === epoch && block.from < first + count && block.to > first)
  try {
    const file = (await disk.read(name)) ?? Buffer.alloc(0)
    const heads = framesIn(file).frames.filter(isHeld)
    return heads.map((head) => Object.assign({ items: itemsOfFrame(file, head) }, head))
  } catch (error) {
    losses.diskFailed(error)
    return []
  }
}

/** What a file had before and has no more is not held; what was left out on purpose has been counted. */
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
  const damaged = missing - (itemsOf(held) - itemsOf(changed))
  if (damaged > 0) {
    const times = before.map(({ times }) => times)
    losses.lost('damaged', damaged, times)
  }
}

function itemsOf(frames: readonly Frame[]): number {
  return frames.reduce((count, { items }) => count + items.length, 0)
}
