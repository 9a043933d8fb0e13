import { BLOCK_ROLES } from '../../../schemas/topics.ts'
import { TASK_SERVICES } from '../../../schemas/services.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { TABLES } from '../../../schemas/tables.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import { compareRows } from './compared-rows.ts'
import type { Fleet } from '../harness/fleet.ts'
import { countOf, loadedAll, loadedBlocks, newestBlocks, reaches } from './loaded-all.ts'
import type { BlockNumbers } from './loaded-all.ts'
import type { Member } from '../harness/member.ts'

const MIGRATE_MS = 60_000

/** Groups are loaded one at a time, and a long run has very many: the blocks that are loaded by then are compared. */
const RELOAD_MS_MAX = 180_000
const POLL_MS = 500

/** An idle task writes one group in 5 s, which is open for half a second: then the fleet is as it was before. */
const WOKEN_MS = 3_000

/** Tables whose rows a merge adds up: they are compared after the last merge, and only where all was loaded. */
const MERGED: ReadonlySet<string> = new Set([
  TABLES.usage1m.name,
  TABLES.usage15m.name,
  TABLES.watermarks.name,
])

/**
 * Loads every block that the logs hold into an empty database, with a fresh loader of the same installation: the rows
 * name the topics that brought them, and the look queries those names. Meanwhile the fleet's tasks and loaders rest, so
 * that nothing is added, and their group has no offsets. Reports how much was loaded where it was not all.
 */
export async function reloadBlocks(fleet: Fleet): Promise<readonly string[]> {
  const { installation } = fleet
  const tasks = TASK_SERVICES.flatMap((name) => fleet.of(name))
  const loaders = fleet.of('loader')
  const database = `${installation.database}_again`
  try {
    await rest(fleet, tasks)
    await loadedAll(installation, BLOCK_ROLES)
    await rest(fleet, loaders)
    const newest = await newestBlocks(installation, BLOCK_ROLES)
    const loaded = await loadInto(installation, database, newest)
    if (reaches(loaded, newest)) return await compareTables(installation, database)
    const share = `${countOf(loaded)} of ${countOf(newest)}`
    process.stdout.write(`blocks loaded again in ${RELOAD_MS_MAX / 1_000} s: ${share}; these are compared\n`)
    return await compareTables(installation, database, loaded)
  } finally {
    await installation.clickhouse.command(`DROP DATABASE IF EXISTS ${database}`)
    await wake(fleet, [...loaders, ...tasks])
  }
}

/** Loads what the topics hold until all is loaded or the time is over; returns what is loaded then. */
async function loadInto(
  installation: Installation,
  database: string,
  newest: BlockNumbers,
): Promise<BlockNumbers> {
  const settings = { HIVEMETER_CLICKHOUSE_DATABASE: database }
  const { exitCode, output } = await installation.command('migrate', [], MIGRATE_MS, settings)
  if (exitCode !== 0) throw new Error(`migrate ended with ${exitCode}: ${output}`)
  await withAdmin(installation.kafka, (admin) => admin.deleteGroups([`${installation.prefix}loader`]))
  const loader = await startService(installation, 'loader', { settings })
  try {
    await loader.ready()
    const deadlineMs = systemClock.monotonicMs() + RELOAD_MS_MAX
    while (systemClock.monotonicMs() < deadlineMs) {
      if (reaches(await loadedBlocks(installation, newest.keys(), database), newest)) break
      await systemClock.delay(POLL_MS)
    }
    const halted = (await loader.readiness())?.halted ?? []
    if (halted.length > 0) throw new Error(`The fresh loader halted: ${JSON.stringify(halted)}`)
  } finally {
    await loader.stop()
  }
  return await loadedBlocks(installation, newest.keys(), database)
}

/**
 * Compares all tables; with `upTo`, only those whose rows keep the number of their block, and of them the blocks up to
 * it.
 */
async function compareTables(
  installation: Installation,
  database: string,
  upTo?: BlockNumbers,
): Promise<readonly string[]> {
  const bound = upTo === undefined ? '' : `WHERE ${isUpTo(upTo)}`
  const differences: string[] = []
  for (const { name } of Object.values(TABLES)) {
    const isMerged = MERGED.has(name)
    if (isMerged && upTo !== undefined) continue
    const rows = (of: string): string => `SELECT * FROM ${of}.${name} ${isMerged ? 'FINAL' : bound}`
    const what = `all blocks loaded again, ${name}`
    differences.push(...(await compareRows(installation, what, rows(installation.database), rows(database))))
  }
  return differences
}

function isUpTo(blocks: BlockNumbers): string {
  const places = [...blocks].flatMap(([topic, seqs]) =>
    seqs.map(
      (seq, partition) => `src_topic = '${topic}' AND src_partition = ${partition} AND src_seq <= ${seq}`,
    ),
  )
  return `(${places.join(') OR (')})`
}

/** Ends the services in order, and keeps them down. */
async function rest(fleet: Fleet, members: readonly Member[]): Promise<void> {
  for (const member of members) fleet.resting.add(member)
  await Promise.all(members.map((member) => member.stop()))
}

async function wake(fleet: Fleet, members: readonly Member[]): Promise<void> {
  for (const member of members) fleet.resting.delete(member)
  await Promise.all(members.map((member) => member.revive()))
  await systemClock.delay(WOKEN_MS)
}
