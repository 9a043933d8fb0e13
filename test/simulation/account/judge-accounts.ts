import assert from 'node:assert/strict'
import { STATE_KEY, accountCodec, outcomeCodec } from '../../../schemas/avro.ts'
import type { Account, Outcome } from '../../../schemas/records.ts'
import { RULES } from '../../../schemas/since.ts'
import { COST_RECOVERY, ISSUER_WALLET } from '../../../schemas/tables.ts'
import { AccountModel } from '../../../services/verify/account/model.ts'
import type { Undecided } from '../../../services/verify/undecided.ts'
import { isOver } from '../../../services/verify/account/outcomes.ts'
import { canonicalJson } from '../../../services/verify/account/rows.ts'
import { assertAccounts } from '../../support/oracles/account-comparison.ts'
import { heartbeatsIn } from '../../support/records/settler-log.ts'
import type { Row } from '../../support/oracles/row-reader.ts'
import { plainRows } from '../logs.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import type { LogBlock } from '../logs.ts'
import { requestName } from '../undecided.ts'

const text = (row: Row, name: string): string => String(row[name])
const big = (row: Row, name: string): bigint => BigInt(String(row[name]))

/** The result of one partition's logs: the requests that its task has passed, and what it made of them. */
export interface AccountLogs {
  readonly inbox: readonly LogRecord[]
  readonly nodeState: readonly LogRecord[]
  readonly settlementBlocks: readonly LogBlock[]
}

/** Compares decisions, settlements, ledger, audit, accounts and outcomes with verify's model of the same inbox. */
export function judgeAccounts(logs: AccountLogs, undecidable: (name: string) => boolean): void {
  const model = AccountModel.fromZero()
  model.since = [{ rules: RULES, offset: 0 }]
  model.undecided = judgeLetters(logs, undecidable)
  for (const record of logs.inbox) model.apply(record)
  const rows = (table: string): Row[] => plainRows(logs.settlementBlocks, table)
  const { accounts, outcomes } = stateOf(logs)
  const keyed = logs.nodeState.map(({ key, value }) => ({ key: key?.toString() ?? null, value }))
  assertAccounts({ rows, accounts, heartbeats: heartbeatsIn(keyed) }, model)
  judgeTiles(rows('settlements'))
  judgeLedger(rows('settlements'), rows('wallet_ledger'))
  judgeCosts(rows('cost_decisions'))
  judgeOutcomes(model, outcomes)
}

/** Dead letters of the inbox hold requests that cannot be decided, and no others; the model takes them as facts. */
function judgeLetters(
  { inbox, settlementBlocks }: AccountLogs,
  undecidable: (name: string) => boolean,
): Undecided {
  const values = new Map(inbox.map(({ offset, value }) => [offset, value]))
  const letters = plainRows(settlementBlocks, 'dead_letters').map((row) => {
    const offset = big(row, 'record_offset')
    const name = requestName(values.get(offset) ?? null)
    assert.equal(text(row, 'reasons'), 'cannot_be_decided', `letter at ${offset}`)
    assert.ok(
      name !== null && undecidable(name),
      `what stands at ${offset} can be decided, and was set aside`,
    )
    return [offset, new Set([-1])] as const
  })
  assert.equal(new Map(letters).size, letters.length, 'a record is set aside twice')
  return new Map(letters)
}

function judgeCosts(rows: readonly Row[]): void {
  const decided = rows.map(
    (row) => `${text(row, 'node_id')} ${text(row, 'id_kind')} ${text(row, 'event_id')}`,
  )
  assert.equal(new Set(decided).size, decided.length, 'a cost is decided twice')
}

function judgeTiles(rows: readonly Row[]): void {
  for (const [node, settled] of Map.groupBy(rows, (row) => text(row, 'node_id'))) {
    let through = 0n
    for (const row of settled) {
      assert.equal(big(row, 'from_seq'), through, `settlements of ${node} tile`)
      through = big(row, 'to_seq')
    }
  }
}

function judgeLedger(settlements: readonly Row[], rows: readonly Row[]): void {
  const entries = new Set(rows.map((row) => text(row, 'entry_id')))
  assert.equal(entries.size, rows.length, 'a leg stands twice')
  const ofCosts = rows.filter((row) => text(row, 'kind') === COST_RECOVERY)
  assert.equal(ofCosts.length, settlements.length * 2, 'each settlement has two legs')
  for (const [reference, legs] of Map.groupBy(rows, (row) => text(row, 'reference_id'))) {
    const sum = legs.reduce((total, row) => total + big(row, 'amount_micro_spark'), 0n)
    assert.equal(sum, 0n, `the legs of ${reference} sum to zero`)
    const ofIssuer = legs.filter((row) => text(row, 'wallet_id') === ISSUER_WALLET)
    assert.deepEqual([legs.length, ofIssuer.length], [2, 1], `legs of ${reference}`)
  }
}

/** The newest account of each node in the state topic, and the outcome of each command. */
function stateOf({ nodeState }: AccountLogs): {
  accounts: Map<string, Account>
  outcomes: Map<string, Outcome>
} {
  const accounts = new Map<string, Account>()
  const outcomes = new Map<string, Outcome>()
  for (const { key, value } of nodeState) {
    const name = key?.toString() ?? '!'
    if (name.startsWith(STATE_KEY.commands)) {
      const command = name.slice(STATE_KEY.commands.length)
      if (value === null) outcomes.delete(command)
      else outcomes.set(command, outcomeCodec.decode(value))
    } else if (!name.startsWith('!') && value !== null) accounts.set(name, accountCodec.decode(value))
  }
  return { accounts, outcomes }
}

/** Every outcome that has not expired is there, and reports the result of its command. */
function judgeOutcomes(
  { outcomes: expected, nowMs }: AccountModel,
  found: ReadonlyMap<string, Outcome>,
): void {
  for (const key of found.keys()) assert.ok(expected.all.has(key), `the outcome of ${key} is of nothing`)
  for (const [key, outcome] of expected.all) {
    const kept = found.get(key)
    if (kept === undefined && isOver(outcome, nowMs)) continue
    assert.deepEqual(
      kept && [kept.status, kept.code ?? '', canonicalJson(kept.result), kept.until],
      [outcome.status, outcome.code, outcome.result, outcome.untilMs],
      `outcome of ${key}`,
    )
  }
}
