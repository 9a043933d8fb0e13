import { createRequire } from 'node:module'

/**
 * Lets a kafkajs consumer come back to its group, whatever the coordinator answers in the meantime, as a broker that has
 * just started, was frozen, or is overloaded.
 *
 * - No broker knows the coordinator: kafkajs tries for about 5 s, then treats it as an error that no retry can cure and
 *   ends the consumer permanently, and with it the process. With the error marked as retriable, the consumer starts anew.
 * - The coordinator is still loading the group: kafkajs lets the join fail and continues to fetch without being a member. It
 *   sends no heartbeat and never joins again (found by `kafka-frozen`: two loaders and an aggregator stopped permanently).
 *   With the error reported as a rebalance, the join is tried again, and after the last try the consumer starts anew.
 */

/** What this file wraps of `kafkajs/src/cluster/index.js` (2.2.4, pinned). */
interface Cluster {
  findGroupCoordinatorMetadata: (this: Cluster, group: unknown) => Promise<unknown>
}

/** From `kafkajs/src/consumer/consumerGroup.js`: its two steps into a group, by the names of their symbols. */
type ConsumerGroup = Record<symbol, (this: ConsumerGroup) => Promise<void>>
const STEPS = ['private:ConsumerGroup:join', 'private:ConsumerGroup:sync']

const require = createRequire(import.meta.url)

const cluster = (require('kafkajs/src/cluster/index.js') as { prototype: Cluster }).prototype
const find = cluster.findGroupCoordinatorMetadata
cluster.findGroupCoordinatorMetadata = async function findOrSayAgain(group) {
  try {
    return await find.call(this, group)
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound') {
      throw Object.assign(error, { retriable: true })
    }
    throw error
  }
}

const group = (require('kafkajs/src/consumer/consumerGroup.js') as { prototype: ConsumerGroup }).prototype
for (const name of STEPS) {
  const symbol = Object.getOwnPropertySymbols(group).find(({ description }) => description === name)
  const step = symbol === undefined ? undefined : group[symbol]
  if (symbol === undefined || step === undefined) throw new Error(`kafkajs has no ${name}: it is not 2.2.4.`)
  group[symbol] = async function stepOrAgain() {
    try {
      await step.call(this)
    } catch (error) {
      throw isForLater(error) ? Object.assign(error, { type: 'REBALANCE_IN_PROGRESS' }) : error
    }
  }
}

/** An answer that may change in a moment. An answer about this member alone is left to kafkajs. */
function isForLater(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const { retriable, type } = error as Error & { readonly retriable?: boolean; readonly type?: string }
  return retriable === true && type !== 'UNKNOWN_MEMBER_ID'
}
