import { createRequire } from 'node:module'

/**
 * Lets a kafkajs consumer come back to its group whatever the coordinator answers meanwhile: a broker that has just started,
 * was frozen, or is overloaded.
 *
 * - No broker knows the coordinator: kafkajs asks for about 5 s, then calls it an error that no repeat can mend and ends the
 *   consumer for good, and with it the process. Marked as one that can be repeated, the consumer starts anew.
 * - The coordinator is still loading the group: kafkajs lets the join fail and goes on fetching as a member of nothing. It
 *   sends no heartbeat and never joins again (found by `kafka-frozen`: two loaders and an aggregator stood still for good).
 *   Told as a rebalance, the join is tried again, and after the last try the consumer starts anew.
 */

/** What this file wraps of `kafkajs/src/cluster/index.js` (2.2.4, pinned). */
interface Cluster {
  findGroupCoordinatorMetadata: (this: Cluster, group: unknown) => Promise<unknown>
}

/** Of `kafkajs/src/consumer/consumerGroup.js`: its two steps into a group, by the names of their symbols. */
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

/** An answer that may be another one in a moment. One about this member alone is kafkajs' to handle. */
function isForLater(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const { retriable, type } = error as Error & { readonly retriable?: boolean; readonly type?: string }
  return retriable === true && type !== 'UNKNOWN_MEMBER_ID'
}
