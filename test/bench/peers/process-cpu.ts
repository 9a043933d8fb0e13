import { readFileSync, readdirSync } from 'node:fs'

/** Linux' unit of CPU time in /proc, the same on every machine of today. */
const TICKS_PER_SECOND = 100

/** CPU seconds that the processes have used so far, user and system, all threads. A process that is gone throws. */
export function processCpuSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold blanks; what follows it is fixed, from the state (field 3) on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

/** Processes of this machine whose command line is the one meant, with its words. */
export function pidsOf(
  isMeant: (words: readonly string[]) => boolean,
): { readonly pid: number; readonly words: readonly string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), words: commandLine(pid) }))
    .filter(({ words }) => isMeant(words))
}

/** The processes of the local ClickHouse at this URL: by the port in their command line. */
export function localClickhousePids(clickhouseUrl: string): number[] {
  const { port } = new URL(clickhouseUrl)
  const isServer = (words: readonly string[]): boolean =>
    words.some((word) => word.endsWith('clickhouse/main.ts')) && words.includes(port)
  return pidsOf(isServer).map(({ pid }) => pid)
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return [] // It has ended meanwhile.
  }
}
