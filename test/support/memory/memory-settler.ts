import { SettlerState } from '../../../pipelines/account/pipeline.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import type { Acknowledgement, LogProducer } from '../../../pipelines/log/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { StateRecord } from '../../../services/reader/present/accounts.ts'
import { appendingWhole } from './whole-append.ts'
import { VirtualClock } from './virtual-clock.ts'
import { emptyStoreGate } from './stored-marks.ts'

const TOPICS = topicNames('')

/**
 * account.inbox, the settler's real state and node.state in memory: an appended record is decided at once, and `onState`
 * gets what follows. The test sets the time of the log.
 */
export class MemorySettler implements LogProducer {
  nowMs: number
  readonly #producer = appendingWhole(async (records) => {
    for (const record of records) await this.#decide(record)
  })
  readonly #states: SettlerState[]
  readonly #offsets: number[]
  readonly #onState: (record: StateRecord) => void

  constructor(
    partitions: number,
    rules: AccountRules,
    nowMs: number,
    onState: (record: StateRecord) => void,
    /** The contents of node.state before it starts. */
    held: readonly StateRecord[] = [],
  ) {
    this.nowMs = nowMs
    this.#onState = onState
    this.#offsets = Array.from({ length: partitions }, () => 0)
    this.#states = Array.from({ length: partitions }, (_, partition) => {
      const clock = new VirtualClock()
      const state = new SettlerState({
        partition,
        topics: TOPICS,
        rules,
        loadedSeq: () => 0,
        gate: emptyStoreGate(),
        clock,
        metrics: noMetrics,
      })
      return state
    })
    for (const { partition, key, value } of held) {
      this.#states[partition]?.restore({ partition, offset: 0n, timestampMs: nowMs, key, value, headers: {} })
      onState({ partition, key, value })
    }
  }

  /** Each partition gets its rules from the log, as its first record, where it holds no others. */
  async start(): Promise<void> {
    for (const [partition, state] of this.#states.entries()) {
      const { appends, position } = state.restored(0n)
      this.#offsets[partition] = Number(position)
      await this.append(appends.map(({ key, value }) => ({ key, value, partition })))
    }
  }

  async append(records: readonly LogAppend[]): Promise<ReadonlyMap<number, Acknowledgement>> {
    return await this.#producer.append(records)
  }

  appendEach(records: readonly LogAppend[]): ReadonlyMap<number, Promise<Acknowledgement>> {
    return this.#producer.appendEach(records)
  }

  async stop(): Promise<void> {}

  async #decide({ partition, key, value }: LogAppend): Promise<void> {
    const state = this.#states[partition]
    if (state === undefined) throw new Error(`There is no partition ${partition}.`)
    const offset = this.#offsets[partition] ?? 0
    this.#offsets[partition] = offset + 1
    const record = {
      partition,
      offset: BigInt(offset),
      timestampMs: this.nowMs,
      key: key === null ? null : Buffer.from(key),
      value,
      headers: {},
    }
    const decision = await state.decide({ records: [record], nextOffset: BigInt(offset + 1) })
    state.committed([])
    for (const append of decision.appends) {
      if (append.topic !== TOPICS.nodeState) continue
      const stateKey = append.key === null ? null : Buffer.from(append.key)
      this.#onState({ partition, key: stateKey, value: append.value })
    }
  }
}
