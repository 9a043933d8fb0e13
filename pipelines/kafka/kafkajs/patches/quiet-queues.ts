import { createRequire } from 'node:module'

/**
 * Lets a connection of kafkajs rest while no request waits. Whenever no broker throttles the connection, kafkajs sets the
 * next check of its queue to a time that has passed. So every connection wakes the process a thousand times a second for
 * ever, and Node warns about the negative time on standard error. 20 idle connections took 4.5 % of a core; now they take
 * none.
 */

/** What this file wraps of `kafkajs/src/network/requestQueue/index.js` (2.2.4, pinned). */
interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests: (this: RequestQueue) => void
}

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue }
const schedule = prototype.scheduleCheckPendingRequests
prototype.scheduleCheckPendingRequests = function scheduleWhereSomeWait() {
  if (this.pending.length > 0) schedule.call(this)
}
