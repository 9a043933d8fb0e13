import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import type { Turn } from '../harness/child-report.ts'

const TURN_TIMEOUT_MS = 300_000
const LOOK_MS = 10

/** What a process of the turn has used so far. */
interface Usage {
  readonly startedMs: number
  readonly lastCommitMs: number
  readonly cpuSeconds: number
  readonly peakMb: number
  readonly ids: number
}

type Message = { readonly ready: true } | { readonly reached: readonly number[] } | { readonly usage: Usage }

/** One process of the turn, as its parent sees it. */
class Member {
  readonly child: ChildProcess
  reached: readonly number[] = []
  isReady = false
  #usage: ((usage: Usage) => void) | undefined

  constructor(argument: object) {
    const path = fileURLToPath(new URL('aggregator-process.ts', import.meta.url))
    this.child = spawn(
      process.execPath,
      ['--disable-warning=TimeoutNegativeWarning', ...SERVICE_NODE_FLAGS, path, JSON.stringify(argument)],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        timeout: TURN_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      },
    )
    this.child.on('message', (message: Message) => {
      if ('ready' in message) this.isReady = true
      else if ('reached' in message) this.reached = message.reached
      else this.#usage?.(message.usage)
    })
  }

  async usage(): Promise<Usage> {
    const { promise, resolve, reject } = Promise.withResolvers<Usage>()
    this.#usage = resolve
    this.child.once('exit', () => reject(new Error('A process of the turn ended by itself.')))
    this.child.send('usage')
    return await promise
  }
}

export interface AggregatorTurnOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  /** Input offset that each partition must reach. */
  readonly ends: readonly number[]
  /** Topics of this turn alone; they must exist. */
  readonly prefix: string
  /** The number of events up to `ends`, repeats included. */
  readonly events: number
  readonly processes: number
}

/**
 * One turn of the aggregator in processes of its own, which share the partitions as those of the service do: from the
 * first batch that any of them decides to the last commit. `detail` has the second half alone, as `warm`, and the ids
 * held.
 */
export async function aggregatorTurn(options: AggregatorTurnOptions): Promise<Turn> {
  const { brokers, topic, ends, prefix, events, processes } = options
  const members = Array.from(
    { length: processes },
    (_, number) =>
      new Member({ brokers, topic, prefix, partitions: ends.length, instance: `${prefix}${number}` }),
  )
  try {
    await until(members, () => members.every(({ isReady }) => isReady))
    const start = await Promise.all(members.map((member) => member.usage()))
    for (const { child } of members) child.send('go')
    const total = ends.reduce((sum, end) => sum + end, 0)
    await until(members, () => sumReached(members, ends) >= total / 2)
    const middle = await Promise.all(members.map((member) => member.usage()))
    const middleMs = performance.timeOrigin + performance.now()
    const middleShare = sumReached(members, ends) / total
    await until(members, () => sumReached(members, ends) >= total)
    const end = await Promise.all(members.map((member) => member.usage()))
    const startedMs = Math.min(...end.map((usage) => usage.startedMs || Infinity))
    const endedMs = Math.max(...end.map(({ lastCommitMs }) => lastCommitMs))
    const cpu = (usages: readonly Usage[]): number =>
      usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
    const seconds = (endedMs - startedMs) / 1_000
    return {
      seconds,
      cpuSeconds: cpu(end) - cpu(start),
      rssMb: end.reduce((sum, { peakMb }) => sum + peakMb, 0),
      eventsPerSecond: Math.round(events / seconds),
      detail: {
        warmSeconds: (endedMs - middleMs) / 1_000,
        warmEvents: Math.round(events * (1 - middleShare)),
        warmCpuSeconds: cpu(end) - cpu(middle),
        ids: end.reduce((sum, { ids }) => sum + ids, 0),
      },
    }
  } finally {
    for (const { child } of members) child.kill('SIGKILL')
  }
}

/** A partition counts as far as the process that holds it has come. */
function sumReached(members: readonly Member[], ends: readonly number[]): number {
  return ends.reduce(
    (sum, end, partition) =>
      sum + Math.min(end, Math.max(0, ...members.map(({ reached }) => reached[partition] ?? 0))),
    0,
  )
}

async function until(members: readonly Member[], isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    const ended = members.find(({ child }) => child.exitCode !== null || child.signalCode !== null)
    if (ended !== undefined) throw new Error('A process of the turn ended by itself, or took too long.')
    await systemClock.delay(LOOK_MS)
  }
}
