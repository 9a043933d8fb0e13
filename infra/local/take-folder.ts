import { rmSync } from 'node:fs'
import { systemClock } from '../../pipelines/clock.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'
import { claimFolder, folderProblem } from './folder.ts'
import type { Folder } from './folder.ts'
import { isRunning, readRunFile, takeRunFile } from './run-file.ts'
import type { ProcessMark, RunRecord } from './run-file.ts'

/** Parts of a killed supervisor end by themselves within 10 s. */
const LEFTOVERS_TIMEOUT_MS = 12_000
const POLL_MS = 100

/** The supervisor that runs on this folder, if one does. */
export function runningSupervisor(folder: Folder): ProcessMark | undefined {
  const record = readRunFile(folder.runFile)
  return record !== undefined && isRunning(record.supervisor) ? record.supervisor : undefined
}

/** The parts of an earlier supervisor that have not ended yet. */
export function leftovers(folder: Folder): readonly ProcessMark[] {
  return readRunFile(folder.runFile)?.parts.filter(isRunning) ?? []
}

/** Names the process that has the folder, and how to end it. */
export function alreadyRuns(folder: Folder, supervisor: ProcessMark): ExitError {
  return new ExitError(
    EXIT.failure,
    `Hivemeter already runs on ${folder.root} as process ${supervisor.pid}. ` +
      `Stop it with Ctrl-C in its terminal or with kill ${supervisor.pid}, or set HIVEMETER_DATA_DIR and the ports for a second one.`,
  )
}

/** Fails when the folder is not ours, is newer, or is in use; changes nothing. */
export function checkFolder(folder: Folder): void {
  const problem = folderProblem(folder)
  if (problem !== undefined) throw problem
  const supervisor = runningSupervisor(folder)
  if (supervisor !== undefined) throw alreadyRuns(folder, supervisor)
}

/** Waits until the parts of a supervisor that was killed have ended by themselves; fails naming those that do not. */
export async function awaitLeftovers(folder: Folder, onProgress: (text: string) => void): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + LEFTOVERS_TIMEOUT_MS
  for (let left = leftovers(folder); left.length > 0; left = leftovers(folder)) {
    const named = left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ')
    if (systemClock.monotonicMs() > deadlineMs) {
      const message = `Of an earlier start still run: ${named}. End them with kill ${left.map(({ pid }) => pid).join(' ')} and start again.`
      throw new ExitError(EXIT.failure, message)
    }
    onProgress(`waits for the end of ${named}`)
    await systemClock.delay(POLL_MS)
  }
}

/** Takes the folder for this process; returns how to release it when everything has ended. */
export function takeFolder(folder: Folder, supervisor: ProcessMark): () => void {
  const earlier = readRunFile(folder.runFile)
  claimFolder(folder)
  const record: RunRecord = { supervisor, parts: [] }
  // A torn run file names no process, so it may be replaced like one whose processes have ended.
  if (earlier === undefined) rmSync(folder.runFile, { force: true })
  if (!takeRunFile(folder.runFile, record, earlier)) {
    const other = runningSupervisor(folder)
    throw other === undefined
      ? new ExitError(
          EXIT.failure,
          `Another start took ${folder.root} at the same moment. Look there, or start again.`,
        )
      : alreadyRuns(folder, other)
  }
  return () => rmSync(folder.runFile, { force: true })
}
