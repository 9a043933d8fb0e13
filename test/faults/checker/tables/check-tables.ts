import { tablesFilledBy } from '../../../../schemas/tables.ts'
import { BLOCK_ROLES } from '../../../../schemas/topics.ts'
import type { AuditRow, Commands } from './commands.ts'
import { Decisions } from './decisions.ts'
import type { DecisionRow } from './decisions.ts'
import type { History } from '../history/history.ts'
import { Ledger } from './ledger.ts'
import type { LedgerRow } from './ledger.ts'
import type { Problems } from '../problems.ts'
import { RawRows } from './raw-rows.ts'
import type { RawRow } from './raw-rows.ts'
import { Settlements } from './settlements.ts'
import type { SettlementRow } from './settlements.ts'
import { WINDOW_TABLES, Windows } from './windows.ts'
import type { WindowRow, WindowTable } from './windows.ts'

/** The source of the rows. */
export interface TablesSource {
  /** Rows of a table that name a partition beyond the topics' own. */
  beyond(table: string, partitions: number): Promise<number>
  /** The rows of one partition, in any order. */
  rawRows(partition: number): AsyncIterable<RawRow>
  /** The windows of one partition, each once. */
  windows(table: WindowTable, partition: number): AsyncIterable<WindowRow>
  /** By node and number. */
  decisions(): AsyncIterable<DecisionRow>
  /** By node, then toSeq, then fromSeq. */
  settlements(): AsyncIterable<SettlementRow>
  ledger(): AsyncIterable<LedgerRow>
  audit(): AsyncIterable<AuditRow>
}

/** What the tables hold, compared with the history and with one another. */
export interface CheckedTables {
  readonly raw: RawRows
  readonly windows: number
  readonly decisions: Decisions
  readonly settlements: Settlements
  readonly ledger: Ledger
}

/** Reads every table once, partition by partition where it is large. */
export async function checkTables(
  tables: TablesSource,
  history: History,
  commands: Commands,
  partitions: number,
  problems: Problems,
): Promise<CheckedTables> {
  for (const { name } of BLOCK_ROLES.flatMap(tablesFilledBy)) {
    const beyond = await tables.beyond(name, partitions)
    if (beyond > 0) problems.add('row', `${name} has ${beyond} rows of partitions that there are not`, beyond)
  }
  const raw = new RawRows(history, partitions, problems)
  let windows = 0
  for (let partition = 0; partition < partitions; partition++) {
    windows += await checkPartition(tables, raw, partition, problems)
  }
  raw.finish()
  const decisions = new Decisions(raw.counted, problems, commands.reservations)
  for await (const row of tables.decisions()) decisions.add(row)
  decisions.finish()
  const settlements = new Settlements(decisions.nodes, problems)
  for await (const row of tables.settlements()) settlements.add(row)
  const ledger = new Ledger(settlements.byId, problems)
  for await (const row of tables.ledger()) ledger.add(row)
  ledger.finish()
  for await (const row of tables.audit()) commands.add(row)
  commands.finish()
  return { raw, windows, decisions, settlements, ledger }
}

/** Compares raw rows and windows of one partition; returns how many windows there are. */
async function checkPartition(
  tables: TablesSource,
  raw: RawRows,
  partition: number,
  problems: Problems,
): Promise<number> {
  const expected = WINDOW_TABLES.map((table) => new Windows(table))
  for await (const row of tables.rawRows(partition)) {
    const measures = raw.add(row)
    for (const windows of expected) windows.addRow(row, measures)
  }
  let compared = 0
  for (const [at, table] of WINDOW_TABLES.entries()) {
    const found: WindowRow[] = []
    for await (const row of tables.windows(table, partition)) found.push(row)
    const windows = expected[at] as Windows
    windows.compare(found, problems)
    compared += windows.compared
  }
  return compared
}
