import { openClickhouse } from '../../pipelines/clickhouse/client.ts'
import { withAdmin } from '../../pipelines/kafka/admin.ts'
import { SOURCE_COLUMNS, TABLES } from '../../schemas/tables.ts'
import type { Installation } from '../support/installation.ts'
import { startService } from '../support/service-process.ts'
import { compareRows } from './compared-rows.ts'
import type { Fleet, MemberName } from './fleet.ts'
import { loadedAll } from './loaded-all.ts'

const TOPICS = ['usageBlocks', 'settlementBlocks'] as const

/** Whose rows a merge adds up: they are compared as they stand after the last merge. */
const MERGED: readonly string[] = [TABLES.usage1m.name, TABLES.usage15m.name, TABLES.watermarks.name]

/**
 * Loads every block that the logs hold into an empty database, with a fresh loader of the same installation: the rows
 * name the topics that brought them, and the look asks for those names. Meanwhile the fleet's tasks and loaders rest, so
 * that nothing is added, and their group has no offsets.
 */
export async function reloadBlocks(fleet: Fleet): Promise<readonly string[]> {
  const { installation } = fleet
  await rest(fleet, ['aggregator', 'settler'])
  await loadedAll(installation, TOPICS)
  await rest(fleet, ['loader'])
  const database = `${installation.database}_again`
  try {
    await loadInto(installation, database)
    const differences: string[] = []
    for (const { name, columns } of Object.values(TABLES)) {
      const rows = (of: string): string =>
        `SELECT ${columnsOf(columns)} FROM ${of}.${name} ${MERGED.includes(name) ? 'FINAL' : ''}`
      const what = `all blocks loaded again, ${name}`
      differences.push(...(await compareRows(installation, what, rows(installation.database), rows(database))))
    }
    return differences
  } finally {
    await installation.clickhouse.command(`DROP DATABASE IF EXISTS ${database}`)
    await wake(fleet, ['loader', 'aggregator', 'settler'])
  }
}

async function loadInto(installation: Installation, database: string): Promise<void> {
  const { environment } = installation
  const settings = { HIVEMETER_CLICKHOUSE_DATABASE: database }
  const { exitCode, output } = await installation.command('migrate', [], settings)
  if (exitCode !== 0) throw new Error(`migrate ended with ${exitCode}: ${output}`)
  await withAdmin(installation.kafka, (admin) => admin.deleteGroups([`${installation.prefix}loader`]))
  const loader = await startService(installation, 'loader', { settings: { ...environment, ...settings } })
  try {
    await loader.ready()
    await loadedAll(installation, TOPICS, database)
  } finally {
    await loader.stop()
  }
}
