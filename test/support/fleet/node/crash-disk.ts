import type { Disk } from '../../../../services/node/spool/disk.ts'

/** The process ended in the middle of a step of the disk. */
export class Crash extends Error {}

type Files = Map<string, Buffer>

/** A change of the folder that is not on the disk yet. */
type FolderChange =
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string }

/**
 * A folder in memory that behaves like a disk when the power goes: what was not synced may be there, in part or not at all. It can
 * end the process before or in the middle of any step, and can be full.
 */
export class CrashDisk implements Disk {
  /** What is there after a crash for certain. */
  #durable: Files = new Map()
  #present: Files = new Map()
  #changes: FolderChange[] = []
  /** Files that have grown since they were synced. A file that was renamed was synced before, and is never torn. */
  readonly #growing = new Set<string>()
  /** Steps until the process ends; null: it does not. */
  stepsLeft: number | null = null
  isFull = false
  /** At the moment in which the process ends. */
  onEnd: () => void = () => {}
  #hasEnded = false
  readonly #chance: () => number

  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** The disk as the next process finds it. */
  afterCrash(): CrashDisk {
    const kept = Math.floor(this.#chance() * (this.#changes.length + 1))
    const files: Files = new Map(this.#durable)
    for (const change of this.#changes.slice(0, kept)) apply(files, change)
    for (const [name, bytes] of this.#present) {
      if (!this.#growing.has(name)) continue
      const known = files.get(name)
      const isGrown =
        known === undefined || (bytes.length > known.length && bytes.subarray(0, known.length).equals(known))
      if (!isGrown) continue
      const from = known?.length ?? 0
      const grown = from + Math.floor(this.#chance() * (bytes.length - from + 1))
      if (known !== undefined || this.#chance() < 0.5) files.set(name, bytes.subarray(0, grown))
    }
    const next = new CrashDisk(this.#chance)
    next.#durable = new Map(files)
    next.#present = new Map(files)
    return next
  }

  async list(): Promise<readonly string[]> {
    this.#step()
    return [...this.#present.keys()]
  }

  async read(name: string): Promise<Buffer | null> {
    this.#step()
    return this.#present.get(name) ?? null
  }

  async append(name: string, bytes: Buffer): Promise<void> {
    const before = this.#present.get(name) ?? Buffer.alloc(0)
    this.#growing.add(name)
    const put = (share: number): void =>
      void this.#present.set(
        name,
        Buffer.concat([before, bytes.subarray(0, Math.floor(bytes.length * share))]),
      )
    this.#step(() => put(this.#chance()))
    if (this.isFull) {
      put(this.#chance())
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    put(1)
  }

  async sync(name: string): Promise<void> {
    this.#step()
    for (const change of this.#changes) apply(this.#durable, change)
    this.#changes = []
    const bytes = this.#present.get(name)
    if (bytes !== undefined) this.#durable.set(name, bytes)
    this.#growing.delete(name)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    this.#change({ kind: 'rename', from, to })
  }

  async remove(name: string): Promise<void> {
    this.#step()
    if (this.#present.has(name)) this.#change({ kind: 'remove', name })
  }

  #change(change: FolderChange): void {
    apply(this.#present, change)
    this.#changes.push(change)
  }

  /** `half` is what the step may have done when the process ends in it. */
  #step(half: () => void = () => {}): void {
    if (this.stepsLeft === null) return
    if (this.stepsLeft <= 0) {
      half()
      if (!this.#hasEnded) this.onEnd()
      this.#hasEnded = true
      // Nothing of this process does anything any more.
      throw new Crash('The process has ended.')
    }
    this.stepsLeft -= 1
  }
}

function apply(files: Files, change: FolderChange): void {
  if (change.kind === 'remove') {
    files.delete(change.name)
    return
  }
  const bytes = files.get(change.from)
  if (bytes === undefined) return
  files.delete(change.from)
  files.set(change.to, bytes)
}
