import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Enough for the tables of a long run and their merges. */
const SIZE = '1500m'

const run = promisify(execFile)

/** A tmpfs of its own: a disk that can be filled without harm to other programs. */
export class SmallDisk {
  readonly dir: string

  private constructor(dir: string) {
    this.dir = dir
  }

  /** Undefined where this user may not mount: then ClickHouse uses the common disk, which no fault fills. */
  static async mount(): Promise<SmallDisk | undefined> {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-disk-'))
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', dir])
      return new SmallDisk(dir)
    } catch {
      await rm(dir, { recursive: true, force: true })
      return undefined
    }
  }

  /** Whether this user may mount one. */
  static async isPossible(): Promise<boolean> {
    const disk = await SmallDisk.mount()
    await disk?.unmount()
    return disk !== undefined
  }

  async unmount(): Promise<void> {
    await run('umount', ['-l', this.dir])
    await rm(this.dir, { recursive: true, force: true })
  }
}
