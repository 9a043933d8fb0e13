import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { loadedSeqs } from '../../../pipelines/clickhouse/queries/block-ids.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import type { KafkaOptions } from '../../../pipelines/kafka/kafkajs/client.ts'
import { newestRecord } from '../../../pipelines/kafka/read.ts'
import { STATE_KEY } from '../../../schemas/avro.ts'
import { appendEnds } from './close-topic.ts'

/** How often the drain checks, and after how many checks it reports again what it waits for. */
const LOOK_PAUSE_MS = 1_000
const LOOKS_PER_WORD = 10

/** Connections of a growth, and the groups in which it reads. */
export type GrowthKafka = KafkaOptions & { readonly groupBase: string }

export interface DrainParts {
  readonly kafka: GrowthKafka
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** The part of a task's last record that shows that the task took the end record. */
export interface EndedTask {
  readonly ended: boolean
}

/**
 * Appends an end record to each partition of a closed input and waits until its task has taken it. A process that did not
 * know of the growth when it came to the record treats it as a stranger's, so partitions whose tasks go on get another
 * one. Waits for as long as it takes: without the services nothing is drained. Resolves with the tasks' last records, by
 * partition.
 */
export async function endTasks<Task extends EndedTask>(
  parts: DrainParts,
  of: {
    readonly service: string
    readonly input: string
    readonly state: string
    readonly partitions: number
    readonly token: Buffer
    readonly decode: (value: Buffer) => Task
  },
): Promise<Task[]> {
  const { kafka, clock, signal, say } = parts
  const tasks: Task[] = []
  let waiting = Array.from({ length: of.partitions }, (_, partition) => partition)
  for (let looks = 0; ; looks += 1) {
    const still: number[] = []
    for (const partition of waiting) {
      const record = await newestRecord({ ...kafka, topic: of.state, partition }, STATE_KEY.task)
      const task = record?.value ? of.decode(record.value) : undefined
      if (task?.ended === true) tasks[partition] = task
      else still.push(partition)
    }
    waiting = still
    if (waiting.length === 0) return tasks
    signal.throwIfAborted()
    if (looks % LOOKS_PER_WORD === 0) {
      await appendEnds({ kafka, topic: of.input }, waiting, of.token)
      if (looks > 0) {
        say(
          `Waits for the ${of.service} to take all of ${of.input}, partition ${waiting.join(', ')}: it must run (npm run ${of.service}, or npm start); its /readyz names what halts.`,
        )
      }
    }
    await clock.delay(LOOK_PAUSE_MS, signal)
  }
}

/** Waits until ClickHouse has every block of a topic, up to the last that each task wrote. */
export async function awaitLoaded(
  { clock, signal, say }: DrainParts,
  client: ClickhouseClient,
  topic: string,
  tasks: readonly { readonly next_seq: number }[],
): Promise<void> {
  for (let looks = 0; ; looks += 1) {
    const loaded = await loadedSeqs(client, topic)
    const waiting = [...tasks.keys()].filter(
      (partition) => (loaded.get(partition) ?? 0) < (tasks[partition]?.next_seq ?? 1) - 1,
    )
    if (waiting.length === 0) return
    signal.throwIfAborted()
    if (looks > 0 && looks % LOOKS_PER_WORD === 0) {
      say(
        `Waits for the loader to bring ${topic}, partition ${waiting.join(', ')}, into ClickHouse: it must run.`,
      )
    }
    await clock.delay(LOOK_PAUSE_MS, signal)
  }
}
