import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { ATTACK } from './attacks.ts'
import type { SideJob, SideReport } from './messages.ts'

/** The part that runs beside the good client, in a process of its own; at the signal to end it reports what it used. */

const TURN_MS = 10

const job = JSON.parse(process.argv[2] ?? '{}') as SideJob
const ending = new AbortController()
// Every connection of an attack listens to it.
setMaxListeners(0, ending.signal)
const answers: Record<number, number> = {}
const startMs = performance.now()
const before = process.cpuUsage()

/** The share of one core that an attacker used, in turns so short that they affect every request alike. */
async function burn(share: number): Promise<void> {
  while (!ending.signal.aborted) {
    const untilMs = performance.now() + TURN_MS * Math.min(1, share)
    while (performance.now() < untilMs);
    await delay(TURN_MS * Math.max(0, 1 - share))
  }
}

process.on('disconnect', () => process.exit(0))
process.on('message', () => {
  const { user, system } = process.cpuUsage(before)
  const report: SideReport = {
    cpuSeconds: (user + system) / 1e6,
    seconds: (performance.now() - startMs) / 1_000,
    answers,
  }
  ending.abort()
  process.send?.(report)
})
if (job.kind === 'burn') await burn(job.share)
else {
  const answered = (status: number): void => {
    answers[status] = (answers[status] ?? 0) + 1
  }
  await ATTACK[job.attack]({ server: job.server, signal: ending.signal, answered })
}
