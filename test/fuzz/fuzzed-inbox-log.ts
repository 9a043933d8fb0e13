import assert from 'node:assert/strict'
import type { Dice } from '../../infra/local/sample/random.ts'
import type { LogAppend, LogRecord } from '../../pipelines/log/records.ts'
import {
  STATE_KEY,
  TICK_KEY,
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
  outcomeCodec,
  schemaIdOf,
  SCHEMA_ID,
  tickCodec,
} from '../../schemas/avro.ts'
import type { Outcome } from '../../schemas/records.ts'
import type { Setting } from '../../schemas/settings.ts'
import { RULES } from '../../schemas/since.ts'
import { AccountModel } from '../../services/verify/account/model.ts'
import { isOver } from '../../services/verify/account/outcomes.ts'
import { canonicalJson } from '../../services/verify/account/rows.ts'
import { assertAccounts } from '../support/oracles/account-comparison.ts'
import { CountedMetrics } from '../support/oracles/counted-metrics.ts'
import { fetchedBatch } from '../support/records/fuzzed-batches.ts'
import { everyTruncation } from '../support/records/fuzzed-bytes.ts'
import { fuzzedRequest } from '../support/records/fuzzed-inbox.ts'
import { RULES_DEFAULT } from '../../pipelines/account/rules.ts'
import { command, commandId, heartbeat } from '../support/records/inbox-requests.ts'
import type { Row } from '../support/oracles/row-reader.ts'
import { testRulesRecord } from '../support/records/rules.ts'
import { SETTLER_TOPICS, SettlerLog, heartbeatsIn } from '../support/records/settler-log.ts'
import { inputRecord } from '../support/records/task-log.ts'

const KEPT = 200
const REPEAT_SHARE = 0.05
const TICK_SHARE = 0.01
const VERSIONS = 40

/**
 * A fuzzed log of account.inbox between the aggregator's ranges, with the settler's real state on it, and verify's model.
 */
export class FuzzedInboxLog {
  readonly metrics = new CountedMetrics()
  readonly log = new SettlerLog([], RULES_DEFAULT, undefined, this.metrics)
  readonly model = AccountModel.fromZero()
  /** The number of records that were made; and of them the ticks and rules, which no metric counts. */
  records = 0
  #silent = 0
  readonly #dice: Dice
  readonly #nodes: readonly string[]
  readonly #kept: (Buffer | null)[] = []
  #offset = 0
  /** One past the last record: a batch that cannot be unpacked counts as one, whatever its own offsets are. */
  #end = 0

  constructor(dice: Dice, nodes: readonly string[]) {
    this.#dice = dice
    this.#nodes = nodes
    this.model.since = [{ rules: RULES, offset: 0 }]
  }

  /** Rules come first, so that costs are paid; after them a request of each kind, cut short at each of its bytes. */
  async begin(nowMs: number): Promise<void> {
    const [node_id = ''] = this.#nodes
    const changes: Setting[] = [{ name: 'metered_daily_limit_usd', value: 5_000_000_000 }]
    const texts = { operator_id: 'op-1', expected: '"0.1"', reservation_id: 'r', older_id: commandId(7) }
    const values = [
      inboxCommandCodec.encode(command('settings', { node_id, changes, ...texts })),
      inboxHeartbeatCodec.encode(heartbeat(1, { node_id, software_version: '1', agent_count: 3 })),
      testRulesRecord({ version: 2 }),
    ].flatMap(everyTruncation)
    const all = [testRulesRecord(), ...values]
    this.#offset = all.length
    await this.#run(all.map((value, offset) => inputRecord(offset, nowMs, value)))
  }

  /** The ranges in their order, with this many batches of requests between them. */
  async take(ranges: readonly Buffer[], batches: number, nowMs: number): Promise<void> {
    const input: LogRecord[] = []
    const left = [...ranges]
    for (let batch = 0; batch < batches || left.length > 0; batch++) {
      const range = left.shift()
      if (range !== undefined) input.push(inputRecord(this.#offset++, nowMs, range))
      if (batch >= batches) continue
      const appends = Array.from({ length: this.#dice.between(1, 30) }, () => this.#append())
      const { records, nextOffset } = await fetchedBatch(this.#dice, appends, this.#offset, nowMs)
      this.#offset = nextOffset
      input.push(...records)
    }
    await this.#run(input)
  }

  /**
   * Accounts, decisions, ledger, audit, outcomes and dead letters are equal to the model's; every record had exactly one
   * result.
   */
  assertConserved(): void {
    const rows = Map.groupBy(this.log.blocks(), ({ table }) => table)
    const rowsOf = (table: string): Row[] => (rows.get(table) ?? []).flatMap((block) => block.rows)
    const { log, model, metrics } = this
    assertAccounts({ rows: rowsOf, accounts: log.accounts(), heartbeats: heartbeatsIn(log.committed) }, model)
    const letters = rowsOf('dead_letters').map(
      ({ record_offset, reasons }) => [BigInt(String(record_offset)), String(reasons)] as const,
    )
    const expected = model.setAside.map(
      ({ record, reasons }) => [record.offset, reasons.map(({ reason }) => reason).join()] as const,
    )
    assert.deepEqual(letters, expected)
    const done = metrics.sumOf('hivemeter_inbox_records_total')
    assert.equal(done + letters.length + this.#silent, this.records, 'taken, repeated or set aside')
    assert.equal(log.task()?.position, this.#end, 'it has passed the last record')
    this.#assertOutcomes()
  }

  async #run(input: readonly LogRecord[]): Promise<void> {
    for (const record of input) {
      const before = this.model.setAside.length
      this.model.apply(record)
      this.records++
      const schemaId = schemaIdOf(record.value)
      const isSilent = schemaId === SCHEMA_ID.tick || inboxConfigureCodec.schemaIds.includes(schemaId)
      if (isSilent && this.model.setAside.length === before) this.#silent++
    }
    this.#end = Number(input.at(-1)?.offset ?? this.#end - 1) + 1
    this.log.input = input
    await this.log.run(Array.from({ length: 40 }, () => this.#dice.between(1, 300)))
  }

  #append(): LogAppend {
    const dice = this.#dice
    if (dice.next() < TICK_SHARE) {
      return { partition: 0, key: TICK_KEY, value: tickCodec.encode({ written_by: 'fuzz' }) }
    }
    const versions = Array.from({ length: 3 }, () => 2 + dice.between(0, VERSIONS))
    const isRepeat = this.#kept.length > 0 && dice.next() < REPEAT_SHARE
    const value = isRepeat ? dice.pick(this.#kept) : fuzzedRequest(dice, { nodes: this.#nodes, versions })
    if (this.#kept.length < KEPT) this.#kept.push(value)
    else this.#kept[dice.between(0, KEPT - 1)] = value
    return { partition: 0, key: dice.pick([null, '', TICK_KEY, '!task', ...this.#nodes]), value }
  }

  /** Each outcome that has not expired is kept, and reports the result of its command. */
  #assertOutcomes(): void {
    const found = new Map<string, Outcome>()
    for (const { topic, key, value } of this.log.committed) {
      if (topic !== SETTLER_TOPICS.nodeState || key?.startsWith(STATE_KEY.commands) !== true) continue
      const command = key.slice(STATE_KEY.commands.length)
      if (value === null) found.delete(command)
      else found.set(command, outcomeCodec.decode(value))
    }
    const { outcomes, nowMs } = this.model
    for (const [key, outcome] of outcomes.all) {
      const kept = found.get(key)
      if (kept === undefined && isOver(outcome, nowMs)) continue
      assert.deepEqual(
        kept && [kept.status, kept.code ?? '', canonicalJson(kept.result), kept.until, kept.is_counted],
        [outcome.status, outcome.code, outcome.result, outcome.untilMs, outcome.isCounted],
        `outcome of ${key}`,
      )
    }
  }
}
