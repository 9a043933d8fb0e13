import type { ClickhouseClient } from './client.ts'

/** What is wrong with the settings for these tables, in words; undefined where they match. */
export function formProblem(
  cluster: string,
  database: string,
  engines: Readonly<Record<string, string>>,
): string | undefined {
  const merging = Object.entries(engines).filter(([, engine]) => engine.endsWith('MergeTree'))
  const misfits = merging.filter(([, engine]) => engine.startsWith('Replicated') !== (cluster !== ''))
  if (misfits.length === 0) return undefined
  const names = misfits.map(([name]) => name).join(', ')
  return cluster === ''
    ? `HIVEMETER_CLICKHOUSE_CLUSTER is empty, but tables of ${database} are Replicated (${names}). ` +
        'Set it to the name of their cluster, or name another database.'
    : `HIVEMETER_CLICKHOUSE_CLUSTER is ${cluster}, but tables of ${database} are not Replicated (${names}): they were ` +
        'made on a single server. Name another database (npm run migrate makes it, the loader fills it from the log), or unset it.'
}

/** Engines of the tables of a database, by name; none where it does not exist. Throws ClickhouseAway. */
export async function enginesOf(
  client: ClickhouseClient,
  database: string,
): Promise<Readonly<Record<string, string>>> {
  const tables = await client.rows<{ name: string; engine: string }>(
    'SELECT name, engine FROM system.tables WHERE database = {database:String}',
    { database },
  )
  return Object.fromEntries(tables.map(({ name, engine }) => [name, engine]))
}
