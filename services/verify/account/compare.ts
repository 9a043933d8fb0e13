import type { Account, Outcome } from '../../../schemas/records.ts'
import { isOver } from './outcomes.ts'
import { RowNumbers, canonicalJson } from './rows.ts'
import { accountRow, modelRow } from './state-rows.ts'
import type { NodeState } from './node-state.ts'
import type { Differences, Row } from '../differences.ts'
import type { Inbox } from './inbox.ts'
import { compareDeadLetters } from '../dead-letters.ts'
import { OlderAccounts } from './older-accounts.ts'
import type { BlocksBelow, Tables, TextRow } from '../tables.ts'
import type { AccountTables } from './tables.ts'
import type { Wallets } from './wallets.ts'

export interface AccountParts {
  readonly tables: Tables
  readonly rows: AccountTables
  readonly differences: Differences
  readonly wallets: Wallets
  /** Name of account.inbox. */
  readonly inboxTopic: string
  /** Accounts that came with another version of the topics. */
  readonly carried: ReadonlyMap<string, Account>
  /** True where the accounts are those of today; of a version that ended, only the rows count for the wallets. */
  readonly isInForce: boolean
}

export interface AccountCount {
  /** Number of accounts that were worked out from their first record on. */
  readonly fromZero: number
  /** Number of accounts that are older than the inbox: checked against their own rows in ClickHouse. */
  readonly older: number
}

/** Compares the rows, accounts and outcomes of one partition with what follows from its inbox. */
export async function compareAccounts(
  parts: AccountParts,
  blocks: BlocksBelow,
  inbox: Inbox,
  state: Omit<NodeState, 'task'>,
): Promise<AccountCount> {
  const { differences, tables, wallets } = parts
  const { model } = inbox
  const older = new OlderAccounts(inbox, state.accounts, parts.carried)
  await compareMoney(parts, blocks, inbox, older)
  await compareAudit(parts, blocks, inbox, older)

  const end = BigInt(Number.MAX_SAFE_INTEGER)
  const letters = await tables.deadLetters(blocks, parts.inboxTopic, inbox.startOffset, end)
  await compareDeadLetters(differences, parts.inboxTopic, blocks.partition, model.setAside, letters)

  if (parts.isInForce) {
    wallets.addModel(model, (nodeId) => !older.has(nodeId))
    wallets.addState(state.accounts, (nodeId) => !older.has(nodeId))
  }
  const fromZero = await compareState(differences, inbox, older, state)
  compareOutcomes(differences, inbox, older, state.outcomes)
  older.compare(differences)
  return { fromZero, older: older.size }
}

async function compareMoney(
  { differences, rows: found, wallets }: AccountParts,
  blocks: BlocksBelow,
  { model: { rows } }: Inbox,
  older: OlderAccounts,
): Promise<void> {
  await differences.compareRows(
    'cost_decisions',
    older.without(rows.decisions),
    checkedRows(found.decisions(blocks), older, (row) => {
      older.addDecision(row)
      return nameOf(row, 'node_id', 'cost_seq')
    }),
  )
  await differences.compareRows(
    'settlements',
    older.without(rows.settlements),
    checkedRows(found.settlements(blocks), older, (row) => {
      older.addSettlement(row)
      return nameOf(row, 'node_id', 'settlement_id')
    }),
  )
  await differences.compareRows(
    'wallet_ledger',
    older.without(rows.ledger),
    checkedRows(found.ledger(blocks), older, (row) => {
      older.addEntry(row)
      wallets.addEntry(String(row['wallet_id']), BigInt(String(row['amount_micro_spark'])))
      return nameOf(row, 'wallet_id', 'entry_id')
    }),
  )
}

/** Commands about a node that was never made are rows too; those of an older inbox may be about a node that was made. */
async function compareAudit(
  { differences, rows }: AccountParts,
  blocks: BlocksBelow,
  { model, startOffset }: Inbox,
  older: OlderAccounts,
): Promise<void> {
  if (startOffset > 0n) return
  const numbers = new RowNumbers()
  const found = async function* (): AsyncGenerator<readonly [string, Row]> {
    for await (const row of rows.audit(blocks)) {
      const text = (name: string): string => String(row[name])
      const json = { asked: '', changes: '', result: '' }
      for (const name of ['asked', 'changes', 'result'] as const) json[name] = canonicalJson(text(name))
      yield [numbers.keyOf(text('node_id'), text('command_id')), { ...row, ...json }]
    }
  }
  await differences.compareRows('audit_log', older.without(model.rows.audit), found())
  const notes = new RowNumbers()
  const noted = async function* (): AsyncGenerator<readonly [string, Row]> {
    for await (const row of rows.noted(blocks)) {
      yield [notes.keyOf(String(row['kind']), String(row['entry_id'])), row]
    }
  }
  await differences.compareRows('audit', older.without(model.rows.noted), noted())
}

async function compareState(
  differences: Differences,
  { model }: Inbox,
  older: OlderAccounts,
  { accounts, heartbeats }: Omit<NodeState, 'task'>,
): Promise<number> {
  const expected = new Map<string, Row>()
  for (const account of model.accounts.values()) {
    if (older.has(account.nodeId)) continue
    expected.set(account.nodeId, modelRow(account, model.totals.of(account.nodeId), model.nowMs))
  }
  await differences.compareRows(
    'node.state',
    expected,
    [...accounts]
      .filter(([nodeId]) => !older.has(nodeId))
      .map(
        ([nodeId, account]) => [nodeId, accountRow(account, heartbeats.get(nodeId), model.nowMs)] as const,
      ),
  )
  return expected.size
}

/** Expired outcomes may be gone or not: the settler drops them with its next batch. */
function compareOutcomes(
  differences: Differences,
  { model, startOffset }: Inbox,
  older: OlderAccounts,
  found: ReadonlyMap<string, Outcome>,
): void {
  if (startOffset > 0n) return
  for (const [key, outcome] of model.outcomes.all) {
    if (older.has(outcome.nodeId)) continue
    const { status, code, result, untilMs } = outcome
    const kept = found.get(key)
    if (kept === undefined && isOver(outcome, model.nowMs)) continue
    const row = kept && { ...kept, code: kept.code ?? '', result: canonicalJson(kept.result) }
    const state = row as Row | undefined
    differences.compareRow('node.state', `command ${key}`, { status, code, result, until: untilMs }, state)
  }
  for (const key of found.keys()) {
    if (!model.outcomes.all.has(key)) differences.extraRow('node.state', `command ${key}`)
  }
}

function nameOf(row: TextRow, ...columns: string[]): string {
  return columns.map((column) => String(row[column])).join(' ')
}

/** Rows of accounts that are checked from zero, by key; `keyOf` sees every row. */
async function* checkedRows(
  rows: AsyncIterable<TextRow>,
  older: OlderAccounts,
  keyOf: (row: TextRow) => string,
): AsyncGenerator<readonly [string, Row]> {
  for await (const row of rows) {
    const key = keyOf(row)
    if (!older.has(String(row['node_id']))) yield [key, row]
  }
}
