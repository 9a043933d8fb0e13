import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import { silentLogger } from '../../../pipelines/logger.ts'

/** What one node did in one minute. */
export interface WindowSums {
  readonly events: number
  readonly durationMs: bigint
  readonly costNanoUsd: bigint
  /** Tokens in and out. */
  readonly tokens: bigint
}

const DIFFERENCES_SHOWN_MAX = 5

/**
 * The output of the Streams peer: the last value of each `node|startMs`, of committed records alone. A key always comes
 * from one task and is in one partition, so the last record of its partition is the last one.
 */
async function readStreamsResult(options: {
  readonly brokers: readonly string[]
  readonly topic: string
}): Promise<Map<string, WindowSums>> {
  const log = {
    brokers: options.brokers,
    clientId: 'bench-streams-result',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    topic: options.topic,
  }
  const values = new Map<string, Buffer>()
  for (const partition of (await readRanges(log)).keys()) {
    for await (const records of readPartition({ ...log, partition })) {
      for (const { key, value } of records) {
        if (key === null || value === null)
          throw new Error(`A record of ${log.topic} has no key or no value.`)
        values.set(key.toString('utf8'), value)
      }
    }
  }
  return new Map([...values].map(([key, value]) => [key, parseSums(value.toString('utf8'))]))
}

function parseSums(text: string): WindowSums {
  const [events, durationMs, costNanoUsd, tokens, ...rest] = text.split(',')
  if (events === undefined || durationMs === undefined || costNanoUsd === undefined || tokens === undefined)
    throw new Error(`"${text}" is no value of the Streams peer.`)
  if (rest.length > 0) throw new Error(`"${text}" is no value of the Streams peer.`)
  return {
    events: Number(events),
    durationMs: BigInt(durationMs),
    costNanoUsd: BigInt(costNanoUsd),
    tokens: BigInt(tokens),
  }
}

/** Throws with the first differences unless both maps hold the same windows with the same sums. */
export function compareSums(
  found: ReadonlyMap<string, WindowSums>,
  expected: ReadonlyMap<string, WindowSums>,
): void {
  const keys = new Set([...expected.keys(), ...found.keys()])
  const differences: string[] = []
  for (const key of keys) {
    const [is, shall] = [textOf(found.get(key)), textOf(expected.get(key))]
    if (is !== shall) differences.push(`${key} is ${is} and should be ${shall}`)
  }
  if (differences.length === 0) return
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX).join('; ')
  throw new Error(`${differences.length} of ${keys.size} windows are wrong: ${shown}`)
}

function textOf(sums: WindowSums | undefined): string {
  if (sums === undefined) return 'missing'
  return `${sums.events} events, ${sums.durationMs} ms, ${sums.costNanoUsd} nano-USD, ${sums.tokens} tokens`
}

/** Throws with the first differences unless the output of the Streams peer is exactly as expected. */
export async function checkStreams(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly expected: ReadonlyMap<string, WindowSums>
}): Promise<void> {
  compareSums(await readStreamsResult(options), options.expected)
}
