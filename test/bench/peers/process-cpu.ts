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

/** The processes of the local ClickHouse at this URL: by the port in their command line. */
export function localClickhousePids(clickhouseUrl: string): number[] {
  const { port } = new URL(clickhouseUrl)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = commandLine(pid)
      return words.some((word) => word.endsWith('clickhouse/main.ts')) && words.includes(port)
    })
    .map(Number)
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return [] // It has ended meanwhile.
  }
}
