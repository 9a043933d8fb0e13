/**
 * The disk under the spool and the node's state, in the smallest steps, so that tests can end the process between any two. Paths
 * are names in one folder. Each step rejects where the disk fails.
 */
export interface Disk {
  /** Names of the files there are. */
  list(): Promise<readonly string[]>
  /** Null where there is no such file. */
  read(name: string): Promise<Buffer | null>
  /** Adds to the end of a file, which is made where there is none, for its owner alone. Not safe before `sync`. */
  append(name: string, bytes: Buffer): Promise<void>
  /** What was appended is on the disk, and so is the file's name. */
  sync(name: string): Promise<void>
  /** In one step, over a file that may be there. */
  rename(from: string, to: string): Promise<void>
  /** Nothing where there is none. */
  remove(name: string): Promise<void>
}

const DRAFT = '.draft'

/** Writes a file whole or not at all: what was there before stays until the new one is on the disk. */
export async function writeWhole(disk: Disk, name: string, bytes: Buffer): Promise<void> {
  const draft = `${name}${DRAFT}`
  await disk.remove(draft)
  await disk.append(draft, bytes)
  await disk.sync(draft)
  await disk.rename(draft, name)
  await disk.sync(name)
}

/** Whether a file was begun by `writeWhole` and never finished. */
export function isDraft(name: string): boolean {
  return name.endsWith(DRAFT)
}
