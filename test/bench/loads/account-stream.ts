import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { UPTIME_HOURS } from '../../../pipelines/account/uptime.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { TASK_BOUNDS } from '../../../pipelines/task/task.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import { accountCodec } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Account } from '../../../schemas/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { account, taskRecord } from '../../support/records/state-records.ts'
import { loadNode } from './event-bodies.ts'

/** Records in one send while the topic is filled, about 500 kB a partition. */
const FILL_RECORDS = 4_000

/** How often changed accounts are written: as often as a settler commits. */
const COMMIT_STEP_MS = TASK_BOUNDS.batchIntervalMs

const HOUR_MS = 3_600_000
const NODES_PER_OPERATOR = 4

/** `young`: work and money, no heartbeat yet. `grown`: a week of heartbeats as well, as far as accounts grow. */
export type AccountAge = 'young' | 'grown'

/** node.state as a settler leaves it, written without a settler: accounts of many nodes, and changes of them. */
export class AccountStream {
  /** The bytes of all accounts as they were first written. */
  sizeBytes = 0
  readonly #producer: IdempotentProducer
  readonly #partitions: number
  readonly #versions: Uint32Array
  readonly #age: AccountAge

  constructor(installation: Installation, nodes: number, age: AccountAge) {
    const { kafka, topics, partitions } = installation
    this.#producer = new IdempotentProducer({ ...kafka, topic: topics.nodeState, metrics: noMetrics })
    this.#partitions = partitions
    this.#versions = new Uint32Array(nodes).fill(1)
    this.#age = age
  }

  /** Writes one account of each node, then the task record of each partition. */
  async fill(): Promise<void> {
    let records: LogAppend[] = []
    for (let number = 0; number < this.#versions.length; number++) {
      const record = this.#record(number)
      this.sizeBytes += record.value?.length ?? 0
      records.push(record)
      if (records.length < FILL_RECORDS) continue
      await this.#producer.append(records)
      records = []
    }
    await this.#producer.append([...records, ...this.#tasks()])
  }

  /** Writes changed accounts of random nodes, this many a second, until `signal` aborts; returns how many it wrote. */
  async run(perSecond: number, signal: AbortSignal): Promise<number> {
    const startMs = performance.now()
    let written = 0
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond)
      const changed = new Set<number>()
      while (written + changed.size < due) changed.add(randomInt(this.#versions.length))
      for (const number of changed) this.#versions[number] = (this.#versions[number] ?? 0) + 1
      await this.#producer.append([...[...changed].map((number) => this.#record(number)), ...this.#tasks()])
      written += changed.size
      await delay(COMMIT_STEP_MS)
    }
    return written
  }

  async stop(): Promise<void> {
    await this.#producer.stop()
  }

  #record(number: number): LogAppend {
    const node = loadNode(number)
    const fields = youngFields(number, this.#versions[number] ?? 1)
    const value = account(this.#age === 'grown' ? { ...fields, ...grownFields() } : fields)
    return {
      partition: partitionOfNode(node, this.#partitions),
      key: node,
      value: accountCodec.encode(value),
    }
  }

  #tasks(): LogAppend[] {
    const watermark = Date.now() - WATERMARK_DELAY_MS
    return Array.from({ length: this.#partitions }, (_, partition) => {
      const { key, value } = taskRecord(partition, watermark)
      return { partition, key: key?.toString('latin1') ?? null, value }
    })
  }
}

function youngFields(number: number, version: number): Parameters<typeof account>[0] {
  const nowMs = Date.now()
  const events = version * 50
  const work = BigInt(events)
  return {
    node_id: loadNode(number),
    version,
    operators: [
      {
        operator_id: `op-${Math.floor(number / NODES_PER_OPERATOR)}`,
        since: nowMs - UPTIME_HOURS * HOUR_MS,
        micro_spark: work * 1_000_000n,
        entries: version,
        last_entry_at: nowMs,
        remainder: 0,
        confirmed: true,
      },
    ],
    first_seen_at: nowMs - UPTIME_HOURS * HOUR_MS,
    changed_at: nowMs,
    watermark: nowMs - WATERMARK_DELAY_MS,
    events,
    inferences: BigInt(events),
    tokens_in: work * 1_500n,
    tokens_out: work * 400n,
    gpu_ms_measured: work * 900n,
    gpu_ms_estimated: work * 1_000n,
    energy_mwh_measured: work * 40n,
    energy_mwh_estimated: work * 47n,
    energy_mwh_compatible: work * 50n,
    cost_nano_usd: work * 20_000_000n,
    cost_seq: version,
    settled_through: version,
    settlements: version,
    settled_nano_usd: work * 20_000_000n,
    settled_micro_spark: work * 1_000_000n,
  }
}

function grownFields(): Partial<Omit<Account, 'operators'>> {
  const nowMs = Date.now()
  return {
    last_contact_at: nowMs,
    software_version: '1.4.2',
    uptime_hour: Math.floor(nowMs / HOUR_MS),
    uptime: Buffer.alloc(UPTIME_HOURS, 58),
    agent_count: 3,
    post_count: 12,
    rewards: 7,
    reward_micro_spark: 70_000_000n,
    last_reward_at: nowMs,
  }
}
