import assert from 'node:assert/strict'
import { formatUuid } from '../../../schemas/ids.ts'
import type { Account, Heartbeats } from '../../../schemas/records.ts'
import type { AccountModel } from '../../../services/verify/account/model.ts'
import { RowNumbers, canonicalJson } from '../../../services/verify/account/rows.ts'
import { accountRow, modelRow } from '../../../services/verify/account/state-rows.ts'
import type { Row } from '../../../services/verify/differences.ts'
import type { Cell, Row as ReadRow } from './row-reader.ts'

/** What a settler wrote: the rows of each table in the order of its blocks, and its newest accounts. */
export interface WrittenAccounts {
  readonly rows: (table: string) => readonly ReadRow[]
  readonly accounts: ReadonlyMap<string, Account>
  /** By node. */
  readonly heartbeats: ReadonlyMap<string, Heartbeats>
}

const IDS = new Set(['event_id', 'settlement_id', 'entry_id', 'reference_id', 'command_id'])

/** Compares what a settler wrote with the result of verify's model for the same inbox; throws where they differ. */
export function assertAccounts(written: WrittenAccounts, model: AccountModel): void {
  const { rows, accounts, heartbeats } = written
  const expected = model.rows
  same('cost_decisions', keyed(rows('cost_decisions'), 'node_id', 'cost_seq'), expected.decisions)
  same('settlements', keyed(rows('settlements'), 'node_id', 'settlement_id'), expected.settlements)
  same('wallet_ledger', keyed(rows('wallet_ledger'), 'wallet_id', 'entry_id'), expected.ledger)
  same('audit_log', audited(rows('audit_log')), expected.audit)
  same('audit', noted(rows('audit')), expected.noted)
  const { totals, nowMs } = model
  const wanted = [...model.accounts].map(
    ([id, account]) => [id, modelRow(account, totals.of(id), nowMs)] as const,
  )
  const found = [...accounts].map(
    ([id, account]) => [id, accountRow(account, heartbeats.get(id), nowMs)] as const,
  )
  same('node.state', new Map(found), new Map(wanted))
  assert.equal(rows('dead_letters').length, model.setAside.length, 'records that are set aside')
}

/** The columns that the model has, as text: the command reads wide integers as text. */
function same(table: string, found: ReadonlyMap<string, object>, expected: ReadonlyMap<string, Row>): void {
  const texts = (row: object, columns: readonly string[]): string[] =>
    columns.map((column) => `${column} ${String((row as Row)[column] ?? null)}`)
  assert.deepEqual([...found.keys()].toSorted(), [...expected.keys()].toSorted(), `keys of ${table}`)
  for (const [key, row] of expected) {
    const columns = Object.keys(row)
    const [is, should] = [texts(found.get(key) ?? {}, columns), texts(row, columns)]
    // The difference is put into words only where there is one: there may be tens of thousands of rows.
    if (is.join('\n') !== should.join('\n')) assert.deepEqual(is, should, `${table} ${key}`)
  }
}

/** Rows by their key; a key that is there twice is an error. */
function keyed(rows: readonly ReadRow[], ...columns: string[]): Map<string, ReadRow> {
  const byKey = new Map(
    rows.map((row) => {
      const named = withTextIds(row)
      return [columns.map((column) => String(named[column])).join(' '), named]
    }),
  )
  assert.equal(byKey.size, rows.length, `rows with one ${columns.join(' and ')}`)
  return byKey
}

function audited(rows: readonly ReadRow[]): Map<string, ReadRow> {
  const numbers = new RowNumbers()
  return new Map(
    rows.map((row) => {
      const named = withTextIds(row)
      const json = ['asked', 'changes', 'result'].map((name) => [name, canonicalJson(String(named[name]))])
      return [
        numbers.keyOf(String(named['node_id']), String(named['command_id'])),
        { ...named, ...(Object.fromEntries(json) as ReadRow) },
      ]
    }),
  )
}

function noted(rows: readonly ReadRow[]): Map<string, ReadRow> {
  const numbers = new RowNumbers()
  const idOf = ({ entry_id }: ReadRow): string =>
    String(withTextIds({ entry_id: entry_id ?? null })['entry_id'])
  return new Map(rows.map((row) => [numbers.keyOf(String(row['kind']), idOf(row)), row]))
}

/** Text as its writer meant it: a column holds bytes. */
function textOf(cell: Cell): Cell {
  const isWide = typeof cell === 'string' && /[\u0080-\u00ff]/.test(cell)
  return isWide ? Buffer.from(cell, 'latin1').toString('utf8') : cell
}

function withTextIds(row: ReadRow): ReadRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => [
      name,
      IDS.has(name) ? formatUuid(Buffer.from(String(cell), 'hex')) : textOf(cell),
    ]),
  )
}
