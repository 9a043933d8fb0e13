import { systemClock } from '../../pipelines/clock.ts'
import { SharedAppend } from '../../pipelines/kafka/shared-append.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { Commands } from '../../services/reader/commands.ts'

/** For readers whose tests only read: commands go nowhere, and no outcome comes. */
export function unheardCommands(): Commands {
  const producer = { append: async () => new Map(), stop: async () => {} }
  return new Commands({
    inbox: new SharedAppend(producer),
    partitions: 1,
    clock: systemClock,
    random: systemRandom,
  })
}
