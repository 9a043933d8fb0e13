import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import type { Turn } from '../harness/child-report.ts'
import { ensureStreamsApp } from './kafka-streams-app.ts'
import { makeTopic } from '../loads/topics.ts'

const TURN_TIMEOUT_MS = 240_000
const OUTPUT_PARTITIONS = 4

/** Heap of fixed size and the serial collector: the settings of the reference measurements. */
const JVM_FLAGS = ['-Xms2g', '-Xmx2g', '-XX:+UseSerialGC']

export interface KafkaStreamsOptions {
  readonly brokers: readonly string[]
  /** One usage event per record, by partition of the node. */
  readonly topic: string
  /** The input offset that each partition must reach. */
  readonly ends: readonly number[]
  /** A prefix for the topics and the group of this turn alone. */
  readonly prefix: string
  /** The number of events up to `ends`, repeats included. */
  readonly events: number
  /**
   * An id is kept under its event time, rounded down to this: 1 is the usual recipe. 1,000 halves the cost of a store in
   * memory, which has a map for each time.
   */
  readonly idStepMs: number
  /** Aborts the turn: its process is killed. */
  readonly signal?: AbortSignal
}

/** The topic of the result of a turn with this prefix. */
export function streamsOutputTopic(prefix: string): string {
  return `${prefix}streams.windows`
}

/**
 * One turn of the Streams peer in a process of its own: from the first event processed to the last offset committed. Its
 * result stays in `streamsOutputTopic(prefix)`; its changelogs and its state on the disk are removed.
 */
export async function kafkaStreamsTurn(options: KafkaStreamsOptions): Promise<Turn> {
  const { brokers, prefix, signal } = options
  const app = await ensureStreamsApp(signal)
  const output = streamsOutputTopic(prefix)
  await makeTopic({ brokers, topic: output, partitions: OUTPUT_PARTITIONS })
  const application = `${prefix}streams`
  const stateDir = await mkdtemp(join(tmpdir(), 'hivemeter-streams-'))
  const given = {
    '--brokers': brokers.join(','),
    '--topic': options.topic,
    '--output': output,
    '--application': application,
    '--state-dir': stateDir,
    '--ends': options.ends.join(','),
    '--events': String(options.events),
    '--id-step-ms': String(options.idStepMs),
  }
  try {
    const java = [...JVM_FLAGS, '-cp', app.classPath, app.mainClass]
    return await runApp(app.java, [...java, ...Object.entries(given).flat()], signal)
  } finally {
    await rm(stateDir, { recursive: true, force: true })
    await deleteChangelogs(brokers, application)
  }
}

async function runApp(java: string, args: readonly string[], signal: AbortSignal | undefined): Promise<Turn> {
  const child = spawn(java, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TURN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  // Otherwise the process would outlive a bench that ends early.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  try {
    const end = await ended(child)
    if (end !== 'exit code 0') throw new Error(`The Streams peer ended with ${end}: ${output}`)
  } finally {
    process.off('exit', kill)
  }
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Turn
}

/**
 * Resolves with how the process ended, when it is gone. Rejects, then too, where it was aborted; at once where it did not
 * start.
 */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    child.once('error', (error) => {
      if (child.pid === undefined) reject(error)
      failure = error
    })
    child.once('close', (code, signal) => {
      if (failure === undefined) resolve(signal ?? `exit code ${code}`)
      else reject(failure)
    })
  })
}

async function deleteChangelogs(brokers: readonly string[], application: string): Promise<void> {
  const kafka = {
    brokers,
    clientId: 'bench-peers',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  }
  await withAdmin(kafka, async (admin) => {
    const topics = (await admin.listTopics()).filter(
      (topic) => topic.startsWith(`${application}-`) && topic.endsWith('-changelog'),
    )
    if (topics.length > 0) await admin.deleteTopics({ topics })
  })
}
