import type { Installation } from '../../../schemas/records.ts'
import type { ClickhouseClient } from '../client.ts'
import { keepRow } from '../migrate-tables.ts'
import type { Sql } from '../migrate-tables.ts'

/** The ids of the installations to which the tables say they belong: one, or none before `migrate`. */
export async function installationIds(
  client: Pick<ClickhouseClient, 'rows' | 'sync'>,
): Promise<readonly string[]> {
  // A replica that was added later may not have fetched the row yet.
  await client.sync(['installation'])
  const rows = await client.rows<{ id: string }>(
    'SELECT DISTINCT toString(installation_id) AS id FROM installation ORDER BY id LIMIT 10',
  )
  return rows.map(({ id }) => id)
}

/** Writes the installation permanently. */
export async function insertInstallation(
  client: Sql,
  { installation_id, made_at }: Installation,
): Promise<void> {
  await keepRow(
    client,
    `INSERT INTO installation (installation_id, made_at)
     SELECT {id:UUID}, fromUnixTimestamp64Milli({madeAt:Int64}, 'UTC')`,
    { id: installation_id, madeAt: made_at },
  )
}

/** Whether anything was ever loaded into these tables. */
export async function isAnythingLoaded(client: Pick<ClickhouseClient, 'rows' | 'sync'>): Promise<boolean> {
  await client.sync(['watermarks'])
  const rows = await client.rows('SELECT 1 FROM watermarks LIMIT 1')
  return rows.length > 0
}
