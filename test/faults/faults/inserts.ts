import { until } from '../../support/until.ts'
import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'

const CAME_ABOUT_MS = 30_000

/** Three INSERTs are done, and their answers never reach the loader. */
export const insertAnswerLost: Fault = {
  name: 'insert-answer-lost',
  lanes: ['loader'],
  strike: async ({ target }) => {
    let lost = 0
    target.clickhouse.onAcknowledged = () => {
      if (lost >= 3) return
      lost++
      throw new Error('the answer is lost')
    }
    await until(`an answer to ${target.title} to be lost`, CAME_ABOUT_MS, () => lost > 0)
    await Member.wait(3_000)
    return { openTransactions: 0, runningInserts: lost }
  },
}

/** An INSERT on its way is held; its loader dies or freezes, and the INSERT lands when another has loaded the group. */
function holdInsert(name: string, away: 'killed' | 'frozen'): Fault {
  return {
    name,
    lanes: ['loader'],
    strike: async ({ fleet, target, other }) => {
      const release = Promise.withResolvers<void>()
      const held = Promise.withResolvers<string>()
      target.clickhouse.onInsert = async (_table, token) => {
        if (!token.includes('usage.blocks')) return
        target.clickhouse.onInsert = undefined
        held.resolve(token)
        await release.promise
      }
      const token = await Promise.race([
        held.promise,
        Member.wait(CAME_ABOUT_MS).then(() => {
          throw new Error('no INSERT came to be held')
        }),
      ])
      // Any loader of the group sends the same token.
      const repeated = Promise.withResolvers<void>()
      other.clickhouse.onAcknowledged = (_table, done) => {
        if (done === token) repeated.resolve()
      }
      if (away === 'killed') {
        fleet.resting.add(target)
        await target.kill()
      } else {
        target.signal('SIGSTOP')
      }
      await Promise.race([
        repeated.promise,
        Member.wait(CAME_ABOUT_MS).then(() => {
          throw new Error(`${other.title} did not load the group of the held INSERT`)
        }),
      ])
      release.resolve()
      await Member.wait(1_000)
      target.signal('SIGCONT')
      fleet.resting.delete(target)
      await target.revive()
      return { openTransactions: 0, runningInserts: 1 }
    },
  }
}

/** Its loader was killed meanwhile. */
export const insertHeldLoaderKilled = holdInsert('insert-held-until-another-has-loaded', 'killed')

/** Its loader was frozen meanwhile, and goes on afterwards. */
export const insertHeldLoaderFrozen = holdInsert('insert-held-while-its-loader-is-frozen', 'frozen')
