import type { Metrics } from '../../../schemas/metrics.ts'
import type { Pack, Packer } from '../queue/packer.ts'
import { RecordQueue } from '../queue/record-queue.ts'
import type { QueueMetrics, RecordQueueOptions } from '../queue/record-queue.ts'

/** A value of fleet.inbox: a batch or a heartbeat of one provider's node, which is a record of its own. */
export interface FleetRecord {
  readonly providerId: string
  /** With its framing. */
  readonly value: Buffer
}

class OneRecord implements Pack<FleetRecord> {
  #value: Buffer | null = null

  get events(): number {
    return this.#value === null ? 0 : 1
  }

  get sizeBytes(): number {
    return this.#value?.length ?? 0
  }

  add({ value }: FleetRecord): boolean {
    if (this.#value !== null) return false
    this.#value = value
    return true
  }

  finish(): Buffer {
    return this.#value ?? Buffer.alloc(0)
  }
}

/** Each value is a record under the key of its provider, whose partition it goes to. */
const fleetPacker: Packer<FleetRecord> = {
  nodeOf: ({ providerId }) => providerId,
  begin: () => new OneRecord(),
}

/** What the queue of fleets is made of. */
export type FleetQueueParts = Omit<RecordQueueOptions<FleetRecord>, 'packer' | 'metrics'> & {
  readonly metrics: Metrics
}

/** The queue in front of fleet.inbox, not started. */
export function fleetQueue({ metrics, ...parts }: FleetQueueParts): RecordQueue<FleetRecord> {
  return new RecordQueue({ ...parts, packer: fleetPacker, metrics: fleetMetrics(metrics) })
}

function fleetMetrics(metrics: Metrics): QueueMetrics {
  return {
    accepted: (records) => metrics.count('hivemeter_fleet_records_accepted_total', {}, records),
    waiting: (records) => metrics.set('hivemeter_gateway_waiting_fleet_records', {}, records),
    takes: (isTaking) => metrics.set('hivemeter_gateway_takes_fleet_records', {}, Number(isTaking)),
  }
}
