import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { milliseconds, shown, whole } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { GOOD_BESIDE, capacity, steadily } from './good-client.ts'
import type { GoodKind, GoodReport } from './good-client.ts'
import { ATTACKS } from './messages.ts'
import type { AttackName, ServerSpec, SideJob, SideReport } from './messages.ts'

/** Beside an attack, a client that behaves may wait this many times as long as it waits without one. */
const RATIO_MAX = 3

/** The load of the good client, as a share of its capacity. */
const SHARE_OF_CAPACITY = 0.1

/** An attack is under way for this long before the measurement. */
const BEGIN_MS = 500

/** For this long another client does the same before: the first compiling and opening is no share that a client takes. */
const EARLY_MS = 1_500

const CAPACITY_PART = 0.5

export interface FairnessOptions {
  /** The time of each of the runs, two for each attack. */
  readonly measureMs: number
}

/**
 * One client that behaves, at a tenth of what it could have, beside each attack of another credential: how long its
 * requests take then, and how long beside a process that burns as much CPU as the attacker's did.
 */
export async function benchFairness({ measureMs }: FairnessOptions): Promise<BenchResult> {
  const server = start('server-process.ts')
  try {
    const [spec] = (await once(server, 'message')) as [ServerSpec]
    const rates = new Map<GoodKind, number>()
    const lines: BenchLine[] = []
    for (const kind of new Set(Object.values(GOOD_BESIDE))) {
      const most = await capacity(kind, spec, measureMs * CAPACITY_PART)
      rates.set(kind, most * SHARE_OF_CAPACITY)
      lines.push(shown(`the good client's ${kind}, at most`, `${whole(most)} requests/s`))
    }
    for (const attack of ATTACKS) {
      const kind = GOOD_BESIDE[attack]
      const run = { kind, spec, perSecond: rates.get(kind) ?? 1, measureMs }
      const early = { ...spec, greedyKey: spec.earlyKey, greedyNode: spec.earlyNode }
      await beside({ kind: 'attack', attack, server: early }, { ...run, measureMs: EARLY_MS })
      const attacked = await beside({ kind: 'attack', attack, server: spec }, run)
      const share = attacked.side.cpuSeconds / attacked.side.seconds
      const alone = await beside({ kind: 'burn', share }, run)
      lines.push(lineOf(attack, attacked, alone, share))
    }
    return { lines }
  } finally {
    if (server.connected) server.disconnect()
  }
}

interface Run {
  readonly kind: GoodKind
  readonly spec: ServerSpec
  readonly perSecond: number
  readonly measureMs: number
}

interface Beside {
  readonly good: GoodReport
  readonly side: SideReport
}

async function beside(job: SideJob, { kind, spec, perSecond, measureMs }: Run): Promise<Beside> {
  const side = start('side-process.ts', JSON.stringify(job))
  try {
    await delay(BEGIN_MS)
    const good = await steadily(kind, spec, perSecond, measureMs)
    const reported = once(side, 'message') as Promise<[SideReport]>
    side.send('end')
    return { good, side: (await reported)[0] }
  } finally {
    if (side.connected) side.disconnect()
  }
}

function lineOf(attack: AttackName, attacked: Beside, alone: Beside, share: number): BenchLine {
  const { percentile, ms } = attacked.good.latency.high
  const aloneMs = alone.good.latency.high.ms
  const ratio = ms / aloneMs
  const answers = Object.entries(attacked.side.answers).map(([status, count]) => `${count} × ${status}`)
  const { wrong } = attacked.good
  return {
    what: `${GOOD_BESIDE[attack]} beside "${attack}"`,
    value: `p${percentile} ${milliseconds(ms)}, alone ${milliseconds(aloneMs)}: ${ratio.toFixed(1)} ×; ${wrong} of ${attacked.good.latency.count} refused; the attacker took ${Math.round(share * 100)} % of a core and got ${answers.join(', ') || 'no answer'}`,
    target: `<= ${RATIO_MAX} ×, none refused`,
    reached: ratio <= RATIO_MAX && wrong === 0,
  }
}

function start(file: string, ...args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args)
}
