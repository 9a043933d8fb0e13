import type { Account } from '../../schemas/records.ts'
import { accountRow, modelRow } from './accounts.ts'
import type { Differences, Row } from './differences.ts'
import type { Inbox } from './inbox.ts'
import { compareDeadLetters } from './usage-rows.ts'
import { OlderAccounts } from './older-accounts.ts'
import type { BlocksBelow, Tables, TextRow } from './tables.ts'
import type { Wallets } from './wallets.ts'

export interface AccountParts {
  readonly tables: Tables
  readonly differences: Differences
  readonly wallets: Wallets
  /** Name of account.inbox. */
  readonly inboxTopic: string
}

export interface AccountCount {
  /** Worked out from their first record on. */
  readonly fromZero: number
  /** Older than the inbox: checked against their own rows in ClickHouse. */
  readonly older: number
}

/** Compares decisions, settlements, ledger and node.state of one partition with what its inbox leads to. */
export async function compareAccounts(
  parts: AccountParts,
  blocks: BlocksBelow,
  inbox: Inbox,
  accounts: ReadonlyMap<string, Account>,
): Promise<AccountCount> {
  const { differences, tables, wallets } = parts
  const { model } = inbox
  const older = new OlderAccounts(inbox, accounts)

  await differences.compareRows(
    'cost_decisions',
    older.without(model.decisions),
    checkedRows(tables.decisions(blocks), older, (row) => {
      older.addDecision(row)
      return nameOf(row, 'node_id', 'cost_seq')
    }),
  )
  await differences.compareRows(
    'settlements',
    older.without(model.settlements),
    checkedRows(tables.settlements(blocks), older, (row) => {
      older.addSettlement(row)
      return nameOf(row, 'node_id', 'settlement_id')
    }),
  )
  await differences.compareRows(
    'wallet_ledger',
    older.without(model.ledger),
    checkedRows(tables.ledger(blocks), older, (row) => {
      older.addEntry(row)
      wallets.addEntry(String(row['wallet_id']), BigInt(String(row['micro_spark'])))
      return nameOf(row, 'wallet_id', 'entry_id')
    }),
  )

  const end = BigInt(Number.MAX_SAFE_INTEGER)
  const letters = await tables.deadLetters(blocks, parts.inboxTopic, inbox.startOffset, end)
  await compareDeadLetters(differences, parts.inboxTopic, blocks.partition, model.setAside, letters)

  wallets.addModel(model, (nodeId) => !older.has(nodeId))
  wallets.addState(accounts, (nodeId) => !older.has(nodeId))
  const expected = new Map<string, Row>()
  for (const account of model.accounts.values()) {
    if (older.has(account.nodeId)) continue
    expected.set(account.nodeId, modelRow(account, model.totals.of(account.nodeId)))
  }
  await differences.compareRows(
    'node.state',
    expected,
    [...accounts]
      .filter(([nodeId]) => !older.has(nodeId))
      .map(([nodeId, account]) => [nodeId, accountRow(account)] as const),
  )
  older.compare(differences)
  return { fromZero: expected.size, older: older.size }
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
