import type { Clock } from '../../pipelines/clock.ts'
import { aggregatorTaskCodec, settlerTaskCodec } from '../../schemas/avro.ts'
import type { AggregatorTask, SettlerTask } from '../../schemas/records.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { readNodeState } from './accounts.ts'
import type { NodeState } from './accounts.ts'
import type { Logs } from './logs.ts'
import type { Tables } from './tables.ts'

const LOOK_INTERVAL_MS = 250

/**
 * Up to where one partition is compared while traffic flows: input that the aggregator had applied when the comparison
 * began, and what the settler had made of all of that by the time that it had.
 */
export interface Horizon {
  /** Of usage.metered: its `position`, and blocks of usage.blocks below its `next_seq`. */
  readonly usage: AggregatorTask
  /** Of account.inbox, and blocks of settlement.blocks. */
  readonly accounts: SettlerTask
  /** Accounts and outcomes as of that. */
  readonly state: Omit<NodeState, 'task'>
}

export interface HorizonParts {
  readonly logs: Logs
  readonly tables: Tables
  readonly clock: Clock
  /** Longest wait for settler and loader to come as far as the aggregator was when the comparison began. */
  readonly catchUpMs: number
  readonly signal: AbortSignal
}

/**
 * The horizon of a partition, once settler and loader have reached it; null where the aggregator has never committed.
 * Throws an ExitError that names the service that stands, after `catchUpMs`.
 */
export async function findHorizon(parts: HorizonParts, partition: number): Promise<Horizon | null> {
  const { logs, tables } = parts
  const usageTask = await logs.newestTask('usageIds', partition)
  if (usageTask?.value === null || usageTask === null) return null
  const usage = aggregatorTaskCodec.decode(usageTask.value)
  const deadlineMs = parts.clock.monotonicMs() + parts.catchUpMs
  const topics = logs.topics

  await waitFor(parts, deadlineMs, async () => {
    const record = await logs.newestTask('nodeState', partition)
    if (record?.value === null || record === null) {
      return `The settler has written nothing to ${topics.nodeState} partition ${partition}.`
    }
    const { handed_offset } = settlerTaskCodec.decode(record.value)
    if (handed_offset >= usage.position) return true
    return `The settler has taken in ${topics.usageMetered} partition ${partition} up to offset ${handed_offset} of ${usage.position}.`
  })
  const { task: accounts, ...state } = await readNodeState(logs, partition)
  if (accounts === null) throw new Error(`${topics.nodeState} partition ${partition} lost its task records.`)
  for (const [topic, lastSeq] of [
    [topics.usageBlocks, usage.next_seq - 1],
    [topics.settlementBlocks, accounts.next_seq - 1],
  ] as const) {
    await waitFor(parts, deadlineMs, async () => {
      const { lastSeq: loaded } = await tables.loaded({ topic, partition })
      if (loaded >= lastSeq) return true
      return `ClickHouse has blocks of ${topic} partition ${partition} up to ${loaded} of ${lastSeq}: the loader has not brought the rest.`
    })
  }
  return { usage, accounts, state }
}

/** Asks until the answer is true; a text says what is still missing. */
async function waitFor(
  parts: HorizonParts,
  deadlineMs: number,
  ask: () => Promise<true | string>,
): Promise<void> {
  for (;;) {
    const answer = await ask()
    if (answer === true) return
    parts.signal.throwIfAborted()
    if (parts.clock.monotonicMs() >= deadlineMs) {
      throw new ExitError(
        EXIT.failure,
        `${answer} Waited ${parts.catchUpMs / 1_000} s. See whether that service runs (its /readyz says for what it waits) and run this again.`,
      )
    }
    await parts.clock.delay(LOOK_INTERVAL_MS, parts.signal)
  }
}
