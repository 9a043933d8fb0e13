import { logRanges, withAdmin } from './kafkajs/admin.ts'
import type { LogRange } from '../log/records.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { LogReader } from './kafkajs/log-reader.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'
import type { LogRecord } from '../log/records.ts'

export interface ReadPartitionOptions extends KafkaOptions {
  readonly topic: string
  readonly partition: number
  /**
   * The common beginning of the group names of these reads, before the part unique to each; the client id where it is not
   * given.
   */
  readonly groupBase?: string
  /** First offset to read; the log's start where it is not given. */
  readonly from?: bigint
  /** True: a batch that cannot be unpacked is one record among the others; otherwise the read fails there. */
  readonly takesUnreadable?: boolean
  /** One past the last offset to read; the present last stable offset where it is not given. */
  readonly to?: bigint
}

/** Batches that may wait for their consumer before reading pauses. */
const WAITING_BATCHES_MAX = 8
const WAIT_STEP_MS = 5

/** A reader that gets nothing from its broker for this long gives up, and the tool reports it. */
const SILENCE_MS_MAX = MINUTE_MS

/** How long a broker that has just come back may take to know what it leads, and how often that is queried. */
const LEADS_TIMEOUT_MS = 15_000
const LEADS_STEP_MS = 200

/**
 * The answers of a broker that does not know yet that it leads a partition; kafkajs sends the request to the same one again
 * and again.
 */
const NOT_LEADING: ReadonlySet<unknown> = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])

/** The names of all topics that this process may see. */
export async function topicsThere(options: KafkaOptions): Promise<ReadonlySet<string>> {
  return new Set(await withAdmin(options, (admin) => admin.listTopics()))
}

/** What each partition of a topic holds now. */
export async function readRanges(
  options: KafkaOptions & { readonly topic: string },
): Promise<ReadonlyMap<number, LogRange>> {
  const { clock } = options
  const deadlineMs = clock.monotonicMs() + LEADS_TIMEOUT_MS
  for (;;) {
    try {
      return await withAdmin(options, (admin) => logRanges(admin, options.topic))
    } catch (error) {
      const isEarly = error instanceof Error && 'type' in error && NOT_LEADING.has(error.type)
      if (!isEarly || clock.monotonicMs() >= deadlineMs) throw error
      await clock.delay(LEADS_STEP_MS)
    }
  }
}

/**
 * Records from the end of a partition that are read first to find the newest one with a key; each further try reads
 * more.
 */
const TAIL_RECORDS = 64n
const TAIL_GROWS = 16n

/** The newest committed record of a partition that has this key and a value; null where there is none. */
export async function newestRecord(
  options: Omit<ReadPartitionOptions, 'from' | 'to'>,
  key: string,
): Promise<LogRecord | null> {
  const range = (await readRanges(options)).get(options.partition)
  if (range === undefined) throw new Error(`Topic ${options.topic} has no partition ${options.partition}.`)
  const { start, end } = range
  for (let records = TAIL_RECORDS; ; records *= TAIL_GROWS) {
    const from = end - records > start ? end - records : start
    let newest: LogRecord | null = null
    for await (const batch of readPartition({ ...options, from, to: end })) {
      for (const record of batch) {
        if (record.key?.toString('latin1') === key && record.value !== null) newest = record
      }
    }
    if (newest !== null || from === start) return newest
  }
}

/** The committed records of one partition in `[from, to)`, in order: for tools that read a log once. */
export async function* readPartition(options: ReadPartitionOptions): AsyncGenerator<readonly LogRecord[]> {
  const { topic, partition, clock, random } = options
  const range = (await readRanges(options)).get(partition)
  if (range === undefined) throw new Error(`Topic ${topic} has no partition ${partition}.`)
  const from = options.from === undefined || options.from < range.start ? range.start : options.from
  const to = options.to === undefined || options.to > range.end ? range.end : options.to
  if (from >= to) return

  const waiting: (readonly LogRecord[])[] = []
  let position = from
  let heardAtMs = clock.monotonicMs()
  let failure: Error | undefined
  const reader = new LogReader({
    ...options,
    groupId: `${options.groupBase ?? options.clientId}-${topic}-${partition}-${random.bytes(6).toString('hex')}`,
    paused: true,
    ...(options.takesUnreadable === true && { onUnreadable: 'taken' }),
    onRecords: async (_partition, records) => {
      while (waiting.length >= WAITING_BATCHES_MAX) await clock.delay(WAIT_STEP_MS)
      waiting.push(records)
    },
    onPosition: (_partition, reached) => {
      if (reached > position) position = reached
      heardAtMs = clock.monotonicMs()
    },
    // This also runs after the group was joined again (a broker that crashed, a consumer slower than the session).
    onJoined: () => {
      reader.seek(partition, position)
      reader.resume(partition)
    },
    onFailed: (error) => {
      failure = error
    },
  })
  try {
    await reader.start()
    for (;;) {
      const batch = waiting.shift()
      if (batch !== undefined) {
        yield batch.filter(({ offset }) => offset >= from && offset < to)
        heardAtMs = clock.monotonicMs()
      } else if (position >= to) {
        return
      } else if (failure !== undefined) {
        throw failure
      } else if (clock.monotonicMs() - heardAtMs > SILENCE_MS_MAX) {
        throw new Error(
          `Kafka delivered nothing of ${topic}[${partition}] for ${SILENCE_MS_MAX / SECOND_MS} s, at offset ${position} of ${to}.`,
        )
      } else {
        await clock.delay(WAIT_STEP_MS)
      }
    }
  } finally {
    waiting.length = 0
    await reader.stop()
  }
}
