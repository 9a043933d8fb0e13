import { systemClock } from '../../../pipelines/clock.ts'
import { until } from '../../support/until.ts'
import type { FaultBroker, FleetKafka } from './fleet-kafka.ts'

/** Longer than Kafka may take: its session timeout, an election of the controller, and both once more. */
const FAILOVER_MS_MAX = 60_000

/** The addition to Kafka's own time for a broker that hangs or is cut off. */
const AFTER_FAILOVER_MS = 5_000

/** The bound for a broker that dies: Kafka's session timeout, and a second. */
export const KILLED_BOUND_MS = 10_000

/** Waits until the other brokers regard the broker as gone: it leads no partition, and none waits for it. */
export async function untilFailedOver(kafka: FleetKafka, broker: FaultBroker): Promise<number> {
  const startMs = systemClock.monotonicMs()
  let state = ''
  await until(
    `the other brokers to go on without broker ${broker.id}`,
    FAILOVER_MS_MAX,
    async () => {
      try {
        const partitions = await kafka.placesByAll([broker])
        const waiting = partitions.filter(
          ({ leader, insync }) => leader === broker.id || leader < 0 || insync.includes(broker.id),
        )
        state = waiting.map(({ topic, partition }) => `${topic}[${partition}]`).join(', ')
        return partitions.length > 0 && waiting.length === 0
      } catch (error) {
        state = String(error)
        return false
      }
    },
    () => state,
  )
  return systemClock.monotonicMs() - startMs
}

/** The promise where a broker hangs or is cut off, once it is known how long Kafka itself took. */
export function boundAfter(failoverMs: number): { readonly failoverMs: number; readonly boundMs: number } {
  return { failoverMs, boundMs: failoverMs + AFTER_FAILOVER_MS }
}
