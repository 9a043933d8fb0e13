import { createRequire } from 'node:module'

/**
 * Lets a kafkajs consumer outlive a group coordinator that is not there for some seconds: a broker that has just started,
 * or is overloaded. kafkajs asks for about 5 s, then calls it an error that no repeat can mend and ends the consumer for
 * good, and with it the process; marked as one that can be repeated, the consumer starts anew and joins.
 */

/** What this file wraps of `kafkajs/src/cluster/index.js` (2.2.4, pinned). */
interface Cluster {
  findGroupCoordinatorMetadata: (this: Cluster, group: unknown) => Promise<unknown>
}

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/cluster/index.js') as { prototype: Cluster }
const find = prototype.findGroupCoordinatorMetadata
prototype.findGroupCoordinatorMetadata = async function findOrSayAgain(group) {
  try {
    return await find.call(this, group)
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound') {
      throw Object.assign(error, { retriable: true })
    }
    throw error
  }
}
