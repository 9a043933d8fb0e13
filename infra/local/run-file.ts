import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A process, identified so that a later one with the same number is not mistaken for it. */
export interface ProcessMark {
  readonly name: string
  readonly pid: number
  /** The boot it belongs to, and its start in clock ticks after that boot. */
  readonly boot: string
  readonly startTicks: string
}

/** The processes that run on a data folder. */
export interface RunRecord {
  readonly supervisor: ProcessMark
  readonly parts: readonly ProcessMark[]
}

const STATE_FIELD = 0
const START_TICKS_FIELD = 19

/** The fields of /proc/<pid>/stat after the name, which may hold spaces and parentheses itself. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Marks a running process. */
export function markProcess(name: string, pid: number): ProcessMark {
  return { name, pid, boot: bootId(), startTicks: statFields(pid)?.[START_TICKS_FIELD] ?? 'gone' }
}

/** Whether exactly the marked process still runs; false for one that has ended but was not yet waited for. */
export function isRunning(mark: ProcessMark): boolean {
  const fields = statFields(mark.pid)
  if (fields === undefined || mark.boot !== bootId()) return false
  return fields[START_TICKS_FIELD] === mark.startTicks && fields[STATE_FIELD] !== 'Z'
}

/** The record of a folder; undefined where there is none or a torn one. */
export function readRunFile(file: string): RunRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord | null
    return record?.supervisor?.pid === undefined ? undefined : record
  } catch {
    return undefined
  }
}

/**
 * Takes the folder for this process; false when another start took it at the same moment. A record of processes that have
 * all ended is replaced: the caller has checked that.
 */
export function takeRunFile(file: string, record: RunRecord, earlier: RunRecord | undefined): boolean {
  if (earlier !== undefined) rmSync(file, { force: true })
  try {
    writeFileSync(file, JSON.stringify(record), { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Notes the parts that run now, so that a later start knows what to wait for if this process is killed. */
export function updateRunFile(file: string, record: RunRecord): void {
  writeFileSync(`${file}.draft`, JSON.stringify(record))
  renameSync(`${file}.draft`, file)
}
