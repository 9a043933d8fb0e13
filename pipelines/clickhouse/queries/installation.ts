import type { Installation } from '../../../schemas/records.ts'
import type { ClickhouseClient } from '../client.ts'

/** The ids of the installations that the tables say that they belong to: one, or none before `migrate`. */
export async function installationIds(client: Pick<ClickhouseClient, 'rows'>): Promise<readonly string[]> {
  const rows = await client.rows<{ id: string }>(
    'SELECT DISTINCT toString(installation_id) AS id FROM installation ORDER BY id LIMIT 10',
  )
  return rows.map(({ id }) => id)
}

/** Writes it down, for good. */
export async function insertInstallation(
  client: Pick<ClickhouseClient, 'command'>,
  { installation_id, made_at }: Installation,
): Promise<void> {
  await client.command(
    `INSERT INTO installation (installation_id, made_at)
     SELECT {id:UUID}, fromUnixTimestamp64Milli({madeAt:Int64}, 'UTC')`,
    { id: installation_id, madeAt: made_at },
  )
}

/** Whether anything was ever loaded into these tables. */
export async function isAnythingLoaded(client: Pick<ClickhouseClient, 'rows'>): Promise<boolean> {
  const rows = await client.rows('SELECT 1 FROM watermarks LIMIT 1')
  return rows.length > 0
}
