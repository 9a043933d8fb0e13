import { serveMachine } from '../../../infra/local/fleet-sample/machines/serve-machine.ts'
import { SimulatedMachine } from '../../../infra/local/fleet-sample/machines/simulated-machine.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import { hostOf, SITE_KINDS } from './site-machines.ts'

/** The machines of a site in a process of their own, each with an address and ports of its own: their entries go to the parent. */

const count = Number(process.argv[2] ?? 0)
const entries: object[] = []
for (let seed = 0; seed < count; seed += 1) {
  const kind = SITE_KINDS[seed % SITE_KINDS.length] ?? 'whatsminer'
  const machine = new SimulatedMachine({ kind, seed, startedMs: systemClock.nowMs() - HOUR_MS })
  const { entry } = await serveMachine({ machine, clock: systemClock, host: hostOf(seed) })
  entries.push(entry)
}
process.send?.(entries)
