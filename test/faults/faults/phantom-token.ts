import { rm } from 'node:fs/promises'
import type { Fault } from '../harness/fault.ts'
import type { Fleet } from '../harness/fleet.ts'
import { Member } from '../harness/member.ts'

const CAME_ABOUT_MS = 30_000
const ATTEMPTS_MAX = 5

/**
 * The result of a kill -9 of ClickHouse between its deduplication log and the rename of the part: the token is there, the
 * part is not. It is made by removing the part while ClickHouse is down, before the loader knows that the INSERT was
 * done.
 */
export const phantomToken: Fault = {
  name: 'clickhouse-phantom-token',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    const { installation, clickhouse } = fleet
    // After a merge with others the part could not be removed alone; merging goes on after the server's next start.
    await installation.clickhouse.command('SYSTEM STOP MERGES usage_events')
    const [loader] = fleet.of('loader')
    const parts = await freshParts(fleet, loader)
    await clickhouse.kill()
    for (const { path } of parts) await rm(path, { recursive: true })
    await clickhouse.start()
    fleet.resting.delete(loader)
    await fleet.endSessions('loader')
    await loader.revive()
    return { openTransactions: 0, runningInserts: 1 }
  },
}

/**
 * Kills the loader when its INSERT is acknowledged, and returns what the INSERT made. A loader in doubt may have sent one
 * that was there before, whose part is merged with others by now: then the function waits for the next one.
 */
async function freshParts(fleet: Fleet, loader: Member): Promise<readonly { readonly path: string }[]> {
  const { installation } = fleet
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const token = await killedAtAcknowledgement(fleet, loader)
    const [topic = '', partition = '', , , firstSeq = ''] = token.split('/')
    const parts = await installation.clickhouse.rows<{ path: string; level: number }>(
      `SELECT path, level FROM system.parts
         WHERE database = currentDatabase() AND table = 'usage_events' AND active AND name IN (
           SELECT DISTINCT _part FROM usage_events
             WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND src_seq >= {first:UInt64})`,
      { topic, partition: Number(partition), first: Number(firstSeq) },
    )
    if (parts.length > 0 && parts.every(({ level }) => level === 0)) return parts
    fleet.resting.delete(loader)
    await fleet.endSessions('loader')
    await loader.revive()
  }
  throw new Error(`${ATTEMPTS_MAX} INSERTs were of parts that are merged with others`)
}

async function killedAtAcknowledgement(fleet: Fleet, loader: Member): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  loader.clickhouse.onAcknowledged = async (table, token) => {
    if (table !== 'usage_events') return
    loader.clickhouse.onAcknowledged = undefined
    fleet.resting.add(loader)
    await loader.kill()
    resolve(token)
  }
  return await Promise.race([
    promise,
    Member.wait(CAME_ABOUT_MS).then(() => {
      throw new Error(`${loader.title} loaded no events`)
    }),
  ])
}
