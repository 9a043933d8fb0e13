import type { ClickhouseClient } from './client.ts'
import { enginesOf } from './table-form.ts'

/** A table that was created on a replica which did not have it. */
export interface CompletedTable {
  readonly table: string
  /** Place of the replica in the list of addresses, counted from 1. */
  readonly replica: number
}

/**
 * Creates the database's tables on replicas that lack them (new, or with an empty disk) in the form that the others have
 * now: the migrations are recorded as applied, and their statements would create tables of an older form. The rows come
 * from the other replicas. Throws the refusals of the server, and ClickhouseAway.
 */
export async function completeReplicas(
  { cluster, replicas }: ClickhouseClient,
  database: string,
): Promise<CompletedTable[]> {
  if (cluster === '') return []
  const tables = await Promise.all(
    replicas.map(async (replica) => Object.keys(await enginesOf(replica, database))),
  )
  const made: CompletedTable[] = []
  for (const table of new Set(tables.flat())) {
    const owner = replicas[tables.findIndex((names) => names.includes(table))]
    for (const [place, replica] of replicas.entries()) {
      if (tables[place]?.includes(table) === true || owner === undefined) continue
      await replica.command(await statementOf(owner, database, table))
      made.push({ table, replica: place + 1 })
    }
  }
  return made
}

async function statementOf(owner: ClickhouseClient, database: string, table: string): Promise<string> {
  const [row] = await owner.rows<{ statement: string }>(
    `SELECT create_table_query AS statement FROM system.tables
     WHERE database = {database:String} AND name = {table:String}`,
    { database, table },
  )
  return (row?.statement ?? '').replace(/^CREATE TABLE/, 'CREATE TABLE IF NOT EXISTS')
}
