import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'

/**
 * Lets kafkajs measure time by the monotonic clock where it measures it by the time of day. When the machine's clock was
 * set back by two hours, its consumers sent no heartbeat for two hours (the group removed them and they did not notice),
 * requests without an answer did not time out, and a throttled connection stayed silent (found by
 * test/faults/faults/wall-clock.ts). kafkajs compares each of these fields with `Date.now()`. Here each field holds a
 * distance from now, which becomes a time of day only when it is read.
 */

/** A field of kafkajs 2.2.4, pinned, that holds a time of day, and where its class is. */
const TIMES = [
  ['kafkajs/src/consumer/consumerGroup.js', 'lastRequest'],
  ['kafkajs/src/network/requestQueue/index.js', 'throttledUntil'],
  ['kafkajs/src/network/requestQueue/socketRequest.js', 'sentAt'],
  ['kafkajs/src/cluster/brokerPool.js', 'metadataExpireAt'],
] as const

/** Makes a field with a time of day keep its distance from now when the machine's clock is set. */
function keepDistance(prototype: object, field: string): void {
  const held = new WeakMap<object, { readonly aheadMs: number; readonly atMs: number } | null>()
  Object.defineProperty(prototype, field, {
    configurable: true,
    enumerable: true,
    get(this: object): number | null {
      const time = held.get(this) ?? null
      return time === null
        ? null
        : Math.round(systemClock.nowMs() + time.aheadMs - (systemClock.monotonicMs() - time.atMs))
    },
    set(this: object, time: number | null) {
      held.set(
        this,
        time === null ? null : { aheadMs: time - systemClock.nowMs(), atMs: systemClock.monotonicMs() },
      )
    },
  })
}

const require = createRequire(import.meta.url)
for (const [file, field] of TIMES) {
  keepDistance((require(file) as { prototype: object }).prototype, field)
}
