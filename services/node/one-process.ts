import { readFileSync } from 'node:fs'
import { EXIT, ExitError } from '../runtime/exit.ts'
import type { Disk } from './spool/disk.ts'
import { writeWhole } from './spool/disk.ts'

const RUNNING_FILE = 'running'
/** In `/proc/PID/stat`, counted after the name of the program: when the process was started, in ticks since the boot. */
const START_FIELD = 19

/** What tells a process from a later one with the same number; null where there is none such. */
export type ProcessStart = (pid: number) => string | null

/** As Linux tells it; where it does not, no process is ever found. */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD] ?? null
  } catch {
    return null
  }
}

/**
 * Takes the state folder for this process: two on one folder would send and remove each other's files. Exit 1 where another one runs;
 * the mark of one that was killed is taken over. Gives how to let the folder go.
 */
export async function takeState(
  disk: Disk,
  pid: number,
  startOf: ProcessStart,
): Promise<() => Promise<void>> {
  const kept = (await disk.read(RUNNING_FILE))?.toString('utf8') ?? ''
  const [other = '', started = ''] = kept.trim().split(' ')
  if (started !== '' && Number(other) !== pid && startOf(Number(other)) === started) {
    throw new ExitError(
      EXIT.failure,
      `Another node runs on this state folder, as process ${other}. Stop it, or give this one a folder of its own.`,
    )
  }
  await writeWhole(disk, RUNNING_FILE, Buffer.from(`${pid} ${startOf(pid) ?? ''}\n`))
  return async () => await disk.remove(RUNNING_FILE)
}
