import { memoryOf } from './process-figures.ts'

/** What a contestant prints when it is done: its own clock, CPU and memory over the measured span. */
export interface Turn {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly rssMb: number
  readonly eventsPerSecond: number
  readonly detail: Readonly<Record<string, number>>
}

/** Prints the turn as one JSON line. */
export function report(span: {
  readonly startedMs: number
  readonly startCpu: NodeJS.CpuUsage
  readonly events: number
  readonly detail: Readonly<Record<string, number>>
}): void {
  const seconds = (performance.now() - span.startedMs) / 1_000
  const cpu = process.cpuUsage(span.startCpu)
  const turn: Turn = {
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssMb: memoryOf(process.pid).peakMb,
    eventsPerSecond: Math.round(span.events / seconds),
    detail: span.detail,
  }
  console.log(JSON.stringify(turn))
}
