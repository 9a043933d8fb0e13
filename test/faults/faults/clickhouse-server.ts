import { appendFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { MIB } from '../../../schemas/units.ts'
import { until } from '../../support/until.ts'
import { NOTHING_MET } from '../harness/fault.ts'
import type { Fault } from '../harness/fault.ts'
import type { Fleet } from '../harness/fleet.ts'
import { Member } from '../harness/member.ts'

const CAME_ABOUT_MS = 30_000
const FULL_MS = 12_000
const FILL_PAUSE_MS = 100

/** Resolves when an INSERT of either loader is with the server and not answered; the loader waits for what follows. */
async function inAnInsert(fleet: Fleet, act: () => Promise<void>): Promise<void> {
  const loaders = fleet.of('loader')
  const done = Promise.withResolvers<void>()
  for (const loader of loaders) {
    loader.clickhouse.onSent = async () => {
      for (const each of loaders) each.clickhouse.onSent = undefined
      await act()
      done.resolve()
    }
  }
  await Promise.race([
    done.promise,
    Member.wait(CAME_ABOUT_MS).then(() => {
      throw new Error(`no INSERT came within ${CAME_ABOUT_MS} ms`)
    }),
  ])
}

/** kill -9 of ClickHouse while an INSERT is under way, down for a few seconds. */
export const clickhouseKilledInInsert: Fault = {
  name: 'clickhouse-killed-in-an-insert',
  lanes: ['world'],
  strike: async ({ fleet, dice }) => {
    await inAnInsert(fleet, () => fleet.clickhouse.kill())
    await Member.wait(dice.between(0, 4_000))
    await fleet.clickhouse.start()
    return { openTransactions: 0, runningInserts: 1 }
  },
}

/** ClickHouse is away for a minute; events are taken, counted and settled meanwhile. */
export const clickhouseDown: Fault = {
  name: 'clickhouse-down-for-a-minute',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    const runningInserts = fleet.of('loader').reduce((sum, { insertsUnderWay }) => sum + insertsUnderWay, 0)
    await fleet.clickhouse.kill()
    await Member.wait(60_000)
    await fleet.clickhouse.start()
    return { openTransactions: 0, runningInserts }
  },
}

/** ClickHouse answers nothing for 20 s, then goes on where it stopped: an INSERT that was sent to it may land late. */
export const clickhouseFrozen: Fault = {
  name: 'clickhouse-frozen',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    await inAnInsert(fleet, async () => fleet.clickhouse.signal('SIGSTOP'))
    await Member.wait(20_000)
    fleet.clickhouse.signal('SIGCONT')
    return { openTransactions: 0, runningInserts: 1 }
  },
}

/** Every statement takes a second and a half longer for 15 s. */
export const clickhouseSlow: Fault = {
  name: 'clickhouse-slow',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    for (const member of fleet.members) member.clickhouse.delayMs = 1_500
    await Member.wait(15_000)
    for (const member of fleet.members) member.clickhouse.delayMs = 0
    return NOTHING_MET
  },
}

/** The disk under ClickHouse is full for a while: a file takes the last byte of its small tmpfs, under merges too. */
export const diskFull: Fault = {
  name: 'clickhouse-disk-full',
  lanes: ['world'],
  strike: async ({ fleet }) => {
    const { dir } = fleet.clickhouse
    const filler = join(dir, 'filler')
    /** Takes what is free, merges give room back meanwhile; returns whether nothing was. */
    const fill = async (): Promise<boolean> => {
      const { bavail, bsize } = await statfs(dir)
      const freeBytes = bavail * bsize
      if (freeBytes < MIB) return true
      await appendFile(filler, Buffer.alloc(freeBytes)).catch((error: NodeJS.ErrnoException) => {
        // Other processes write meanwhile: it does not matter if the disk is full a little earlier.
        if (error.code !== 'ENOSPC') throw error
      })
      return false
    }
    try {
      await until('the disk of ClickHouse to be full', CAME_ABOUT_MS, fill)
      for (let leftMs = FULL_MS; leftMs > 0; leftMs -= FILL_PAUSE_MS) {
        await fill()
        await Member.wait(FILL_PAUSE_MS)
      }
    } finally {
      await rm(filler, { force: true })
    }
    return NOTHING_MET
  },
}
