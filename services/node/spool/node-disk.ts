import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Disk } from './disk.ts'

/** Nobody but the owner may read it: machines are named in it, and a key may be. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** A folder of the real disk, which is made where there is none. */
export async function nodeDisk(folder: string): Promise<Disk> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  return {
    list: async () => {
      const entries = await readdir(folder, { withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
    },
    read: async (name) => {
      try {
        return await readFile(join(folder, name))
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw error
      }
    },
    append: async (name, bytes) => {
      await using file = await open(join(folder, name), 'a', FILE_MODE)
      await file.writeFile(bytes)
    },
    sync: async (name) => {
      await syncOf(join(folder, name))
      await syncOf(folder)
    },
    rename: async (from, to) => await rename(join(folder, from), join(folder, to)),
    remove: async (name) => await rm(join(folder, name), { force: true }),
  }
}

async function syncOf(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}
