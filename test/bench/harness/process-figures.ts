import { readFileSync, readdirSync } from 'node:fs'

/** CPU and memory of processes as Linux counts them in /proc. */

/** The kernel's USER_HZ, 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100
const KIB_PER_MIB = 1_024

/** The shell that guards a server has its words in the command line too, and does not do the work. */
const GUARD = 'sh'

/** User and system time of a process so far; its threads count, its children do not. */
function cpuSecondsOf(pid: number): number {
  const fields = statFields(pid)
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** CPU seconds of several processes together. */
export function processCpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)
}

/** Processes of this machine whose command line `isMeant` accepts, with its words. */
export function pidsOf(
  isMeant: (words: readonly string[]) => boolean,
): { readonly pid: number; readonly words: readonly string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), words: commandOf(Number(name)).split('\0') }))
    .filter(({ words }) => words[0] !== GUARD && isMeant(words))
}

/** The processes of the local ClickHouse at this URL: by the port in their command line. */
export function localClickhousePids(clickhouseUrl: string): number[] {
  const { port } = new URL(clickhouseUrl)
  const isServer = (words: readonly string[]): boolean =>
    words.some((word) => word.endsWith('clickhouse/main.ts')) && words.includes(port)
  return pidsOf(isServer).map(({ pid }) => pid)
}

/** Resident memory of a process, now and at most so far. `resourceUsage` would count what its parent had when it forked. */
export function memoryOf(pid: number): { readonly rssMb: number; readonly peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / KIB_PER_MIB)
  return { rssMb: mebibytes('VmRSS'), peakMb: mebibytes('VmHWM') }
}

/**
 * The server among the descendants of this process whose command line contains `words`; undefined where this process
 * started none.
 */
export function serverPid(words: string): number | undefined {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)))
  }
  const isOurs = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) {
      if (at === process.pid) return true
    }
    return false
  }
  const isServer = (command: string): boolean => command.includes(words) && !command.startsWith(`${GUARD}\0`)
  return [...parents.keys()].find((pid) => isOurs(pid) && isServer(commandOf(pid)))
}

/** A process may end while it is being read: then it has no parent and no command. */
function parentOf(pid: number): number {
  try {
    return Number(statFields(pid)[1])
  } catch {
    return 0
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** The fields after the command's name, which may hold spaces: state, parent, … */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The CPU that named processes use from one moment to another. */
export class CpuMeter {
  readonly #pids: ReadonlyMap<string, number>
  #started = new Map<string, number>()

  /** Processes without a pid are left out: a server that was not started here. */
  constructor(pids: Readonly<Record<string, number | undefined>>) {
    this.#pids = new Map(
      Object.entries(pids).filter((entry): entry is [string, number] => entry[1] !== undefined),
    )
  }

  start(): void {
    this.#started = this.#read()
  }

  /** Seconds of CPU by name since the start. */
  used(): Map<string, number> {
    return new Map([...this.#read()].map(([name, cpuS]) => [name, cpuS - (this.#started.get(name) ?? 0)]))
  }

  #read(): Map<string, number> {
    return new Map([...this.#pids].map(([name, pid]) => [name, cpuSecondsOf(pid)]))
  }
}
