import { rm } from 'node:fs/promises'
import type { Fault } from '../fault.ts'
import { Member } from '../member.ts'

const CAME_ABOUT_MS = 30_000

/**
 * What kill -9 of ClickHouse between its deduplication log and the rename of the part leaves: the token is there, the
 * part is not. Made by taking the part away while ClickHouse is down, before anybody knows that the INSERT was done.
 */
export const phantomToken: Fault = {
  name: 'clickhouse-phantom-token',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    const { installation, clickhouse } = fleet
    // Merged with others the part could not be taken away alone; merging goes on with the server's next start.
    await installation.clickhouse.command('SYSTEM STOP MERGES usage_events')
    const [loader] = fleet.of('loader')
    const loaded = Promise.withResolvers<string>()
    loader.clickhouse.onAcknowledged = async (table, token) => {
      if (table !== 'usage_events') return
      loader.clickhouse.onAcknowledged = undefined
      fleet.resting.add(loader)
      await loader.kill()
      loaded.resolve(token)
    }
    const token = await Promise.race([
      loaded.promise,
      Member.wait(CAME_ABOUT_MS).then(() => {
        throw new Error(`${loader.title} loaded no events`)
      }),
    ])
    const [topic = '', partition = '', , , firstSeq = ''] = token.split('/')
    const parts = await installation.clickhouse.rows<{ path: string; level: number; rows: string }>(
      `SELECT path, level, toString(rows) AS rows FROM system.parts
         WHERE database = currentDatabase() AND table = 'usage_events' AND active AND name IN (
           SELECT DISTINCT _part FROM usage_events
             WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND src_seq >= {first:UInt64})`,
      { topic, partition: Number(partition), first: Number(firstSeq) },
    )
    const fresh = parts.filter(({ level }) => level === 0)
    if (fresh.length !== parts.length || fresh.length === 0)
      throw new Error('the part was merged with others')
    await clickhouse.kill()
    for (const { path } of fresh) await rm(path, { recursive: true })
    await clickhouse.start()
    fleet.resting.delete(loader)
    await fleet.endSessions('loader')
    await loader.revive()
    return { openTransactions: 0, runningInserts: 1 }
  },
}
