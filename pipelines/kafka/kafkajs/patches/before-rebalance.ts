import { createRequire } from 'node:module'
import type { Assigner } from 'kafkajs'

/**
 * Lets a consumer finish what it has under way before the group may assign its partitions to another member.
 *
 * kafkajs waits for its handlers before it joins again or leaves, but a task's transaction continues after its handler, and
 * the next owner's fence would refuse it: nothing is lost, yet the work is done twice (measured under load: 3 of 7
 * hand-overs refused a transaction; none of 41 since). kafkajs has no event that it waits for, so the wait is attached to
 * the assigner, which kafkajs uses in each join.
 */

/** An assigner that also knows what must end first. `settled` must not reject, and must have a bound of its own. */
export type SettlingAssigner = Assigner & { readonly settled?: () => Promise<void> }

/** What this file wraps of `kafkajs/src/consumer/consumerGroup.js` (2.2.4, pinned). */
interface ConsumerGroup {
  readonly assigners: readonly SettlingAssigner[]
  readonly [step: symbol]: (this: ConsumerGroup) => Promise<void>
  leave: (this: ConsumerGroup) => Promise<void>
}

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/consumer/consumerGroup.js') as {
  prototype: { -readonly [K in keyof ConsumerGroup]: ConsumerGroup[K] }
}

const join = Object.getOwnPropertySymbols(prototype).find(
  ({ description }) => description === 'private:ConsumerGroup:join',
)
for (const name of [join, 'leave'] as const) {
  const step = name === undefined ? undefined : prototype[name]
  if (name === undefined || step === undefined) throw new Error('kafkajs has no such step: it is not 2.2.4.')
  prototype[name] = async function settleFirst() {
    for (const assigner of this.assigners) await assigner.settled?.()
    await step.call(this)
  }
}
