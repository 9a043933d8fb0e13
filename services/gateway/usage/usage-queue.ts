import type { Metrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { RecordQueue } from '../queue/record-queue.ts'
import type { QueueMetrics, RecordQueueOptions } from '../queue/record-queue.ts'
import { usagePacker } from './usage-pack.ts'

/** What the queue of usage events is made of. */
export type UsageQueueParts = Omit<RecordQueueOptions<UsageEvent>, 'packer' | 'metrics'> & {
  readonly metrics: Metrics
}

/** The queue in front of usage.metered, not started. */
export function usageQueue({ metrics, ...parts }: UsageQueueParts): RecordQueue<UsageEvent> {
  return new RecordQueue({ ...parts, packer: usagePacker, metrics: usageMetrics(metrics) })
}

function usageMetrics(metrics: Metrics): QueueMetrics {
  return {
    accepted: (events) => metrics.count('hivemeter_events_accepted_total', {}, events),
    waiting: (events) => metrics.set('hivemeter_gateway_waiting_events', {}, events),
    takes: (isTaking) => metrics.set('hivemeter_gateway_takes_events', {}, Number(isTaking)),
  }
}
