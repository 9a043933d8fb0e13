import type { Fault } from '../harness/fault.ts'
import { Member } from '../harness/member.ts'
import { CONSUMERS } from '../../../schemas/services.ts'
import { systemClock } from '../../../pipelines/clock.ts'

const STORM_MS = 60_000

/** Instances stop, die and start every few seconds for a minute; work must still get done meanwhile. */
export const rebalanceStorm: Fault = {
  name: 'rebalance-storm',
  lanes: ['world'],
  strike: async ({ fleet, dice }) => {
    const count = async (): Promise<number> =>
      Number(
        (await fleet.installation.row<{ rows: string }>('SELECT count() AS rows FROM cost_decisions')).rows,
      )
    const before = await count()
    const endMs = systemClock.monotonicMs() + STORM_MS
    let openTransactions = 0
    while (systemClock.monotonicMs() < endMs) {
      const name = dice.pick(CONSUMERS)
      const member = dice.pick(fleet.of(name))
      fleet.resting.add(member)
      if (dice.next() < 0.5) await member.kill()
      else await member.stop()
      openTransactions += await fleet.openTransactions(name)
      await Member.wait(dice.between(500, 2_500))
      fleet.resting.delete(member)
      if (!member.isRunning) member.start()
      await Member.wait(dice.between(500, 2_500))
    }
    await fleet.ready()
    const after = await count()
    if (after <= before) throw new Error(`no cost was decided in ${STORM_MS / 1_000} s of rebalances`)
    return { openTransactions, runningInserts: 0 }
  },
}
