import assert from 'node:assert/strict'
import type { Dice } from '../../infra/local/sample/random.ts'
import type { LogAppend, LogRecord } from '../../pipelines/log/records.ts'
import { RECEIPT_HEADER, RECEIPT_PROOF_HEADER } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { MODELS, MODELS_VERSION } from '../../schemas/models.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { RULES } from '../../schemas/since.ts'
import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import { TICK_KEY, schemaIdOf, tickCodec, usageEventsCodec } from '../../schemas/avro.ts'
import { holdsUsageEvents } from '../../schemas/usage-values.ts'
import { shownToNodes } from '../../services/verify/usage/set-aside.ts'
import { NotAvro } from '../../services/verify/usage/decode.ts'
import { UsageModel, usageOf } from '../../services/verify/usage/model.ts'
import { NodeTotalSums } from '../../services/verify/node-totals.ts'
import { addEvent } from '../../services/verify/usage/sums.ts'
import { AGGREGATOR_TOPICS, AggregatorLog, ID_KEY } from '../support/records/aggregator-log.ts'
import { CountedMetrics } from '../support/oracles/counted-metrics.ts'
import { fetchedBatch } from '../support/records/fuzzed-batches.ts'
import { everyTruncation, randomBytes } from '../support/records/fuzzed-bytes.ts'
import { fuzzedValue } from '../support/records/fuzzed-usage.ts'
import { readBlock } from '../support/oracles/row-reader.ts'
import { inputRecord } from '../support/records/task-log.ts'
import { nodesOfPartition, usageEvent } from '../support/records/usage-events.ts'

const PARTITIONS = 2
const SINCE = [{ rules: RULES, offset: 0 }]
const KEPT = 500
const REPEAT_SHARE = 0.05
const CONFLICT_SHARE = 0.03
const TICK_SHARE = 0.01
const KEYS = [null, '', 'another-node', TICK_KEY, '!task', '\u0000'] as const

/** Dead letters by offset: the reason for which each index of the record was set aside. */
type Letters = Map<bigint, readonly string[]>

/**
 * A fuzzed log of usage.metered, the aggregator's real state on it, and the result of verify's model for the same
 * records.
 */
export class FuzzedUsageLog {
  readonly metrics = new CountedMetrics()
  readonly log = new AggregatorLog({ partitions: PARTITIONS, metrics: this.metrics })
  readonly totals = new NodeTotalSums()
  /** The number of records that were made; and of them those of no kind, and ticks. */
  records = 0
  /** Events that a reader of the schema finds, whatever their content. */
  events = 0
  counted = 0
  ticks = 0
  readonly #dice: Dice
  readonly #model = new UsageModel({
    partition: 0,
    partitions: PARTITIONS,
    models: MODELS,
    modelsVersion: MODELS_VERSION,
    since: SINCE,
    topic: AGGREGATOR_TOPICS.usageMetered,
    idKey: () => ID_KEY,
  })
  readonly #nodes = [...nodesOfPartition(0, PARTITIONS, 6), ...nodesOfPartition(1, PARTITIONS, 1)]
  readonly #kept: UsageEvent[] = []
  readonly #expected: Letters = new Map()
  #offset = 0
  /** One past the last record: a batch that cannot be unpacked counts as one, whatever its own offsets are. */
  #end = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  get nodes(): readonly string[] {
    return this.#nodes
  }

  /** Adds this many batches at log time `nowMs`, which the task takes in cuts of its own; returns what it handed over. */
  async take(batches: number, nowMs: number): Promise<Buffer[]> {
    const input: LogRecord[] = []
    for (let batch = 0; batch < batches; batch++) {
      const appends = Array.from({ length: this.#dice.between(1, 30) }, () => this.#append(nowMs))
      const { records, nextOffset } = await fetchedBatch(this.#dice, appends, this.#offset, nowMs)
      this.#offset = nextOffset
      input.push(...records)
    }
    return await this.#run(input)
  }

  /** One record with every field, cut short at each of its bytes. */
  async takeTruncated(nowMs: number): Promise<Buffer[]> {
    const [node = ''] = this.#nodes
    const texts = { event_text: 'text', goal_id: 'goal', requester_node_id: 'node', reservation_id: 'r' }
    const numbers = { duration_ms: 1, gpu_ms: 300, energy_mwh: 70_000, cost_nano_usd: 123_456_789_012 }
    const whole = { ...this.#event(node, nowMs), ...texts, ...numbers, energy_source: 'meter' as const }
    const values = everyTruncation(usageEventsCodec.encode({ events: [whole] }))
    return await this.#run(values.map((value) => inputRecord(this.#offset++, nowMs, value)))
  }

  async #run(input: readonly LogRecord[]): Promise<Buffer[]> {
    for (const record of input) this.#judge(record)
    this.#end = Number(input.at(-1)?.offset ?? this.#end - 1) + 1
    const { log } = this
    const from = log.committed.length
    log.input = input
    await log.run(Array.from({ length: 40 }, () => this.#dice.between(1, 400)))
    const { accountInbox } = AGGREGATOR_TOPICS
    return log.committed
      .slice(from)
      .flatMap(({ topic, value }) => (topic === accountInbox && value !== null ? [value] : []))
  }

  /** The task sets aside exactly what the model sets aside, for the same reasons; every event had exactly one result. */
  assertConserved(): void {
    const found: Letters = new Map()
    let ofEvents = 0
    for (const append of this.log.committed) {
      if (append.headers?.[BLOCK_HEADER.table] !== TABLES.deadLetters.name) continue
      for (const { record_offset, reasons, indexes } of readBlock(append).rows) {
        const [why, where] = [reasons as string[], indexes as number[]]
        found.set(BigInt(String(record_offset)), why.map((reason, at) => `${where[at]} ${reason}`).toSorted())
        ofEvents += where.filter((index) => index >= 0).length
      }
    }
    assert.deepEqual(found, this.#expected)
    const { metrics } = this
    const counted = metrics.sumOf('hivemeter_events_counted_total')
    const repeated = metrics.sumOf('hivemeter_events_repeated_total')
    assert.equal(counted, this.counted, 'events that count')
    const sentOn = metrics.sumOf('hivemeter_events_forwarded_total')
    assert.equal(
      counted + repeated + sentOn + ofEvents,
      this.events,
      'counted, repeated, sent on or set aside',
    )
    assert.equal(metrics.sumOf('hivemeter_usage_records_total'), this.records)
    assert.equal(this.log.task()?.position, this.#end, 'it has passed the last record')
  }

  #append(nowMs: number): LogAppend {
    const dice = this.#dice
    if (dice.next() < TICK_SHARE) {
      return { partition: 0, key: TICK_KEY, value: tickCodec.encode({ written_by: 'fuzz' }) }
    }
    // Half of all work belongs to one node, so that its sums exceed 64 bits.
    const node = dice.next() < 0.5 ? (this.#nodes[0] ?? '') : dice.pick(this.#nodes)
    const value = fuzzedValue(dice, () => this.#event(node, nowMs), nowMs)
    const headers = dice.next() < 0.02 ? { headers: this.#headers(nowMs) } : {}
    return { partition: 0, key: dice.pick([...KEYS, ...this.#nodes]), value, ...headers }
  }

  /** A new event, an earlier one, or an earlier one with another content. */
  #event(node_id: string, nowMs: number): UsageEvent {
    const dice = this.#dice
    const chance = dice.next()
    const known = this.#kept.length > 0 ? dice.pick(this.#kept) : undefined
    if (known !== undefined && chance < REPEAT_SHARE) return known
    if (known !== undefined && chance < REPEAT_SHARE + CONFLICT_SHARE) return { ...known, tokens_out: 7 }
    const event = usageEvent({
      event_id: randomBytes(dice, 16),
      node_id,
      operator_id: dice.pick([null, 'op-1', 'op-2']),
      model_id: dice.pick(['model-1', 'gpt-4.1', 'claude']),
      task_source: dice.pick(['own', 'hive', 'idle'] as const),
      occurred_at: nowMs - dice.between(0, 3_600_000),
      tokens_in: dice.between(0, 5_000),
      cost_nano_usd: dice.next() < 0.3 ? dice.between(1, 20_000_000) : 0,
      reservation_id: dice.next() < 0.1 ? `r-${dice.between(1, 9)}` : null,
    })
    if (this.#kept.length < KEPT) this.#kept.push(event)
    else this.#kept[dice.between(0, KEPT - 1)] = event
    return event
  }

  /** Receipts without proof, and headers of all kinds. */
  #headers(nowMs: number): Record<string, string | Buffer> {
    const dice = this.#dice
    return {
      [RECEIPT_HEADER]: dice.pick([String(nowMs - 86_400_000), '-1', '9'.repeat(40), '']),
      [RECEIPT_PROOF_HEADER]: dice.pick(['', 'f'.repeat(64), randomBytes(dice, 64)]),
      [dice.pick(['toString', '__proto__', 'x'])]: randomBytes(dice, 3),
    }
  }

  #judge(record: LogRecord): void {
    this.records++
    const { counted, setAside } = this.#model.apply(record)
    for (const event of counted) addEvent(this.totals, event)
    this.counted += counted.length
    this.events += eventsOf(record)
    if (setAside !== null) {
      const reasons = setAside.reasons.map(({ index, reason }) => `${index} ${reason}`)
      this.#expected.set(record.offset, reasons.toSorted())
      for (const [, nodeId] of shownToNodes(setAside, SINCE))
        if (partitionOfNode(nodeId, PARTITIONS) === 0) this.totals.addSetAside(nodeId)
    }
  }
}

/** Events of a record whose bytes are complete, whatever their content. */
function eventsOf({ value, unreadable }: LogRecord): number {
  const schemaId = schemaIdOf(value)
  if (unreadable !== undefined || value === null || !holdsUsageEvents(schemaId)) return 0
  try {
    return usageOf(value, RULES).length
  } catch (error) {
    if (error instanceof NotAvro) return 0
    throw error
  }
}
