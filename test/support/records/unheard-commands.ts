import { systemClock } from '../../../pipelines/clock.ts'
import { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { appendingWhole } from '../memory/whole-append.ts'
import { Commands } from '../../../services/reader/commands.ts'

/** For readers whose tests only read: commands go nowhere, and no outcome comes. */
export function unheardCommands(): Commands {
  const producer = appendingWhole(async () => {})
  return new Commands({
    inbox: new SharedAppend(producer, systemClock),
    partitions: 1,
    clock: systemClock,
    random: systemRandom,
  })
}
