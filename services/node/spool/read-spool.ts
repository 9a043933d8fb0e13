import type { Mark, Span } from '../../../schemas/fleet/records.ts'
import { blocksOf } from './blocks.ts'
import type { Disk } from './disk.ts'
import { isDraft } from './disk.ts'
import { packedName, spoolFile } from './file-names.ts'
import { framesIn } from './frame.ts'
import { readKept } from './held-frames.ts'
import type { Losses } from './losses.ts'
import type { Block, SpoolIndex } from './spool-index.ts'

/**
 * Brings into the index what earlier processes have left. What was begun and never finished is removed; what was half written, or has
 * changed on the disk, is no frame: it is told as lost with the time around it, and what stands before it in its file is kept.
 */
export async function readSpool(disk: Disk, index: SpoolIndex, losses: Losses): Promise<void> {
  const names = (await disk.list()).toSorted()
  const damaged: Mark[] = []
  for (const name of names) {
    const file = spoolFile(name)
    // The packed form of a file is on the disk before the open one goes.
    const isReplaced = file?.isOpen === true && names.includes(packedName(name))
    if (isDraft(name) || isReplaced) await disk.remove(name)
    if (file === null || isReplaced) continue
    const bytes = await readKept(disk, name, losses)
    const { frames, isWhole } = framesIn(bytes)
    for (const block of blocksOf(name, frames)) index.add(block)
    const last = frames.at(-1)
    if (!isWhole || bytes.length === 0)
      damaged.push({ epoch: file.epoch, seq: last === undefined ? 0 : last.first + last.count })
    if (frames.length === 0) await disk.remove(name)
  }
  for (const mark of damaged) losses.lost('damaged', 0, [around(index.blocks, mark)])
}

/** When the items may have been observed that stood after a number: between what is known before and after it. */
function around(blocks: readonly Block[], { epoch, seq }: Mark): Span {
  const isBefore = (block: Block): boolean =>
    block.epoch < epoch || (block.epoch === epoch && block.from < seq)
  const before = blocks.findLast((block) => isBefore(block) && block.times !== null)
  const after = blocks.find((block) => !isBefore(block) && block.times !== null)
  return { from: before?.times?.to ?? 0, to: after?.times?.from ?? Number.MAX_SAFE_INTEGER }
}
