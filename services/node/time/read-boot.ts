import { readFileSync } from 'node:fs'
import type { Clock } from '../../../pipelines/clock.ts'
import type { Random } from '../../../pipelines/random.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import type { Boot } from './node-time.ts'

const ID_BYTES = 16

/**
 * The start of this machine as Linux tells it. Where it does not, the process is taken for one: what it could not send then
 * keeps no distance in time to the next one.
 */
export function readBoot(clock: Clock, random: Random): Boot {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const [uptimeS = ''] = readFileSync('/proc/uptime', 'utf8').split(' ')
    const uptimeMs = Number(uptimeS) * SECOND_MS
    if (id !== '' && Number.isFinite(uptimeMs)) return { id, uptimeMs }
  } catch {
    // Another system: see above.
  }
  return { id: random.bytes(ID_BYTES).toString('hex'), uptimeMs: clock.monotonicMs() }
}
