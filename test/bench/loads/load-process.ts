import { setTimeout as delay } from 'node:timers/promises'
import { Lane } from '../harness/lane.ts'
import { summarize } from '../harness/latencies.ts'
import type { LoadCommand, LoadJob, LoadMessage, LoadReport } from './load-job.ts'
import { openSource } from './load-sources.ts'

/** A load in a process of its own; its job is its argument, its report goes to its parent. */

const FAULTS_SHOWN = 5
const PACE_MS = 1

const job = JSON.parse(process.argv[2] ?? '{}') as LoadJob
const source = openSource(job.source, job.lanes)
const lanes = Array.from({ length: job.lanes }, () => new Lane(job.url))
const latenciesMs: number[] = []
const faults: string[] = []
let made = 0
let wrong = 0
let gate: PromiseWithResolvers<void> | undefined

const startMs = performance.now()
const fromMs = startMs + job.warmupMs
const toMs = fromMs + job.measureMs

function tell(message: LoadMessage): void {
  process.send?.(message)
}

/** Sends the next request on a lane; `dueMs` is when it should have been sent. */
async function send(lane: Lane, dueMs: number): Promise<void> {
  const request = source.next()
  made++
  let fault: string | undefined
  try {
    fault = request.fault(await lane.ask(request.bytes))
  } catch (error) {
    fault = String(error)
  }
  const nowMs = performance.now()
  request.done?.()
  if (fault !== undefined) {
    wrong++
    if (faults.length < FAULTS_SHOWN) faults.push(fault)
  }
  // A closed load counts what was answered within the span, a scheduled one what was due in it.
  const countedAtMs = job.perSecond === null ? nowMs : dueMs
  if (countedAtMs >= fromMs && countedAtMs < toMs) latenciesMs.push(nowMs - dueMs)
}

async function closedLoad(): Promise<void> {
  const runs = lanes.map(async (lane) => {
    while (performance.now() < toMs) {
      await gate?.promise
      await send(lane, performance.now())
    }
  })
  await Promise.all(runs)
}

async function scheduledLoad(perSecond: number): Promise<void> {
  const idle = [...lanes]
  const due: number[] = []
  const underWay = new Set<Promise<void>>()
  const sendDue = (): void => {
    while (due.length > 0) {
      const lane = idle.pop()
      if (lane === undefined) return
      const sent = send(lane, due.shift() ?? 0).finally(() => {
        underWay.delete(sent)
        idle.push(lane)
        sendDue()
      })
      underWay.add(sent)
    }
  }
  for (let scheduled = 0; ; ) {
    const nowMs = performance.now()
    for (; ; scheduled++) {
      const dueMs = startMs + (scheduled / perSecond) * 1_000
      if (dueMs > nowMs || dueMs >= toMs) break
      due.push(dueMs)
    }
    sendDue()
    if (nowMs >= toMs) break
    await delay(PACE_MS)
  }
  while (underWay.size > 0) await Promise.all(underWay)
}

process.on('message', (command: LoadCommand) => {
  if (command === 'hold') gate ??= Promise.withResolvers<void>()
  else {
    gate?.resolve()
    gate = undefined
  }
})
// The parent disconnects when it has the report; it may also have died.
process.on('disconnect', () => process.exit(0))

let usedCpu = process.cpuUsage()
setTimeout(() => {
  usedCpu = process.cpuUsage()
  tell({ kind: 'measuring' })
}, job.warmupMs)
const measured = Promise.withResolvers<void>()
setTimeout(() => {
  usedCpu = process.cpuUsage(usedCpu)
  tell({ kind: 'measured' })
  measured.resolve()
}, job.warmupMs + job.measureMs)

await (job.perSecond === null ? closedLoad() : scheduledLoad(job.perSecond))
// The report comes last: the parent disconnects when it has it.
await measured.promise
for (const lane of lanes) lane.close()
const report: LoadReport = {
  seconds: job.measureMs / 1_000,
  requests: latenciesMs.length,
  latency: summarize(latenciesMs),
  cpuSeconds: (usedCpu.user + usedCpu.system) / 1e6,
  made,
  wrong,
  faults,
}
tell({ kind: 'report', report })
