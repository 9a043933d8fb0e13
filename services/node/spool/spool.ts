import { BATCH_ITEMS_MAX } from '../../../schemas/fleet/bounds.ts'
import { GIB, HOUR_MS } from '../../../schemas/units.ts'
import type { NodeTime } from '../time/node-time.ts'
import { blocksOf, runsOf } from './blocks.ts'
import type { Disk } from './disk.ts'
import { writeWhole } from './disk.ts'
import { openName, packedName } from './file-names.ts'
import { encodeFrame, framesIn, itemsOfFrame } from './frame.ts'
import type { Frame } from './frame.ts'
import type { Losses } from './losses.ts'
import { SpoolIndex } from './spool-index.ts'
import { heldFrames, readKept, releaseMissing } from './held-frames.ts'
import { readSpool } from './read-spool.ts'
import type { Run } from './spool-index.ts'
import { withTimes } from './stamp-frames.ts'

/** How long the spool holds what could not be sent. */
export const SPOOL_AGE_MS_MAX = 72 * HOUR_MS
/** Bytes of the spool on the disk. */
const SPOOL_BYTES_MAX = 2 * GIB

/** An item that was made, with its number: UTC, or since the boot where its time is not known yet. */
export interface NumberedItem {
  readonly seq: number
  readonly atMs: number
  readonly bytes: Buffer
}

export interface SpoolParts {
  readonly disk: Disk
  readonly losses: Losses
  readonly sizeBytesMax?: number
}

/**
 * The items that the log has not acknowledged, on the disk. What `append` has returned for is there whatever happens to the process;
 * what was half written is recognised and never given out. Every call waits for the one before, since they share files.
 */
export class Spool {
  readonly index = new SpoolIndex()
  readonly #disk: Disk
  readonly #losses: Losses
  readonly #sizeBytesMax: number
  #turn: Promise<unknown> = Promise.resolve()
  /** The file that items are added to, and how many are in it. */
  #open: { readonly name: string; items: number } | null = null

  private constructor({ disk, losses, sizeBytesMax }: SpoolParts) {
    this.#disk = disk
    this.#losses = losses
    this.#sizeBytesMax = sizeBytesMax ?? SPOOL_BYTES_MAX
  }

  /** Reads what earlier processes have left. */
  static async open(parts: SpoolParts): Promise<Spool> {
    const spool = new Spool(parts)
    await readSpool(parts.disk, spool.index, parts.losses)
    return spool
  }

  /** The largest epoch of what was left; 0 where nothing was. */
  get epochMax(): number {
    return this.index.blocks.at(-1)?.epoch ?? 0
  }

  /** Adds items, in the order of their numbers, and makes sure of them. Where the disk fails, they are lost and counted. */
  async append(epoch: number, items: readonly NumberedItem[], waits: Frame['waits']): Promise<void> {
    await this.#inTurn(async () => {
      for (let at = 0; at < items.length; ) {
        const room = BATCH_ITEMS_MAX - (this.#open?.items ?? 0)
        const run = runAt(items, at, room)
        await this.#appendRun(epoch, run, waits)
        at += run.length
        if ((this.#open?.items ?? 0) >= BATCH_ITEMS_MAX) await this.#close()
      }
    })
  }

  /**
   * The items of a run. Null where it is not held any more; where the disk cannot be read now, as without free file handles, and
   * it may be asked again; or where it does not give the items back: then they are lost, and counted.
   */
  async read(run: Run): Promise<readonly Buffer[] | null> {
    return await this.#inTurn(async () => {
      // The file may have been packed since the run was chosen.
      const block = this.index.blockOf(run.epoch, run.from)
      if (block === undefined) return null
      try {
        const items = itemsOfRun(await readKept(this.#disk, block.file, this.#losses), run)
        if (items.length === run.to - run.from) return items
      } catch (error) {
        this.#losses.diskFailed(error)
        return null
      }
      // What the disk has lost is not waited for: it would hold back all that comes after.
      const { items, files } = this.index.release(run.epoch, run)
      this.#losses.lost('damaged', items, [block.times])
      await this.#discardAll(files)
      return null
    })
  }

  /** The log has these, or will never take them. */
  async release({ epoch, from, to }: Run): Promise<void> {
    await this.#inTurn(async () => await this.#discardAll(this.index.release(epoch, { from, to }).files))
  }

  /** Nothing comes any more: what is not held is gone from the disk. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      const name = this.#open?.name
      this.#open = null
      if (name !== undefined && !this.index.has(name)) await this.#discard(name)
    })
  }

  /** Drops the oldest items while they are too old by now, and the oldest files while the spool is too large. */
  async keepWithin(presentMs: number | null): Promise<void> {
    await this.#inTurn(async () => {
      for (let oldest = this.index.blocks[0]; oldest !== undefined; oldest = this.index.blocks[0]) {
        const isOld =
          presentMs !== null && oldest.times !== null && oldest.times.to < presentMs - SPOOL_AGE_MS_MAX
        if (isOld) {
          const { items, files } = this.index.release(oldest.epoch, oldest)
          this.#losses.lost('too_old', items, [oldest.times])
          await this.#discardAll(files)
        } else if (this.index.sizeBytes > this.#sizeBytesMax) await this.#drop(oldest.file)
        else return
      }
    })
  }

  /**
   * Gives their time to items that were made before the log's time was known; true where none is left. Those of an earlier boot
   * have the time that a clock showed then, or are dropped where it could not be believed.
   */
  async stamp(time: NodeTime): Promise<boolean> {
    return await this.#inTurn(async () => {
      const files = new Set(this.index.blocks.filter(({ times }) => times === null).map(({ file }) => file))
      let isDone = true
      for (const name of files) {
        const isWritten = await this.#rewrite(name, (frames) => withTimes(frames, time))
        isDone &&= isWritten
      }
      return isDone
    })
  }

  async #appendRun(epoch: number, items: readonly NumberedItem[], waits: Frame['waits']): Promise<void> {
    const [first] = items
    if (first === undefined) return
    const times = items.map(({ atMs }) => atMs)
    const frame: Frame = {
      epoch,
      first: first.seq,
      items: items.map(({ bytes }) => bytes),
      fromMs: Math.min(...times),
      toMs: Math.max(...times),
      waits,
    }
    const bytes = encodeFrame(frame)
    if (await this.#tryAppend(epoch, first.seq, bytes)) return
    // A disk that is full may have room once the oldest is gone: what is new is worth more.
    const [oldest] = this.index.blocks
    if (oldest !== undefined) {
      await this.#drop(oldest.file)
      if (await this.#tryAppend(epoch, first.seq, bytes)) return
    }
    const span = waits === null ? { from: frame.fromMs, to: frame.toMs + 1 } : null
    this.#losses.lost('not_written', items.length, [span])
  }

  async #tryAppend(epoch: number, first: number, bytes: Buffer): Promise<boolean> {
    const open = this.#open ?? { name: openName(epoch, first), items: 0 }
    try {
      if (this.#open === null) await this.#disk.remove(open.name)
      await this.#disk.append(open.name, bytes)
      await this.#disk.sync(open.name)
    } catch (error) {
      this.#losses.diskFailed(error)
      // What was half written stands at the end of this file, so nothing may follow it; alone it would only take room.
      this.#open = null
      if (!this.index.has(open.name)) await this.#discard(open.name)
      return false
    }
    for (const block of blocksOf(open.name, framesIn(bytes).frames)) {
      this.index.add(block)
      open.items += block.to - block.from
    }
    this.#open = open
    return true
  }

  /** Nothing is added to the open file any more: it is packed, or goes where nothing of it is held. */
  async #close(): Promise<void> {
    const name = this.#open?.name
    this.#open = null
    if (name !== undefined) await this.#rewrite(name, (frames) => frames)
  }

  /** A file anew, whole or not at all, with what is held of it; true where that was possible. */
  async #rewrite(name: string, change: (frames: readonly Frame[]) => readonly Frame[]): Promise<boolean> {
    if (name === this.#open?.name) this.#open = null
    const before = this.index.blocks.filter(({ file }) => file === name)
    const packed = packedName(name)
    let held: readonly Frame[]
    let changed: readonly Frame[]
    let bytes: Buffer
    try {
      held = heldFrames(await readKept(this.#disk, name, this.#losses), before)
      changed = runsOf(change(held))
      bytes = Buffer.concat(changed.map(encodeFrame))
      if (bytes.length > 0) await writeWhole(this.#disk, packed, bytes)
    } catch (error) {
      // The file stays as it is.
      this.#losses.diskFailed(error)
      return false
    }
    this.index.replace(name, blocksOf(packed, framesIn(bytes).frames))
    releaseMissing(this.index, this.#losses, { before, held, changed })
    if (packed !== name || bytes.length === 0) await this.#discard(name)
    return true
  }

  /** For want of room. */
  async #drop(file: string): Promise<void> {
    if (file === this.#open?.name) this.#open = null
    const { items, times } = this.index.releaseFile(file)
    this.#losses.lost('no_room', items, times)
    await this.#discard(file)
  }

  /** The open file stays: more comes into it. */
  async #discardAll(files: readonly string[]): Promise<void> {
    for (const file of files) if (file !== this.#open?.name) await this.#discard(file)
  }

  /** A file that cannot be removed is read at the next start, and its items are sent again: each counts once. */
  async #discard(file: string): Promise<void> {
    try {
      await this.#disk.remove(file)
    } catch (error) {
      this.#losses.diskFailed(error)
    }
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => {})
    return await mine
  }
}

/** The items of a run in its file; fewer where the file has not all of them. */
function itemsOfRun(file: Buffer, { epoch, from, to }: Run): Buffer[] {
  const frames = framesIn(file).frames.filter(
    (frame) => frame.epoch === epoch && frame.first < to && frame.first + frame.count > from,
  )
  return frames.flatMap((frame) =>
    itemsOfFrame(file, frame).slice(Math.max(0, from - frame.first), to - frame.first),
  )
}

/** The items from a place on whose numbers have no gap, at most `itemsMax`. */
function runAt(items: readonly NumberedItem[], at: number, itemsMax: number): readonly NumberedItem[] {
  let end = at + 1
  const seqAt = (index: number): number => items[index]?.seq ?? 0
  while (end < items.length && end - at < itemsMax && seqAt(end) === seqAt(end - 1) + 1) end += 1
  return items.slice(at, end)
}
