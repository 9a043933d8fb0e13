import { STATE_KEY } from '../../../schemas/avro.ts'
import {
  fleetNodeCodec,
  fleetTaskCodec,
  nodeHeartbeatCodec,
  workerTelemetryCodec,
} from '../../../schemas/fleet/codecs.ts'
import type { FleetNode, FleetTask, NodeHeartbeat, WorkerTelemetry } from '../../../schemas/fleet/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import { FleetState } from '../../../pipelines/fleet/pipeline.ts'
import type { FleetOptions } from '../../../pipelines/fleet/pipeline.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { emptyStoreGate } from '../memory/stored-marks.ts'
import { VirtualClock } from '../memory/virtual-clock.ts'
import { inputRecord, TaskLog } from './task-log.ts'

const FLEET_TOPICS = {
  fleetInbox: 'fleet.inbox',
  fleetState: 'fleet.state',
  fleetBlocks: 'fleet.blocks',
}

/** A record of fleet.inbox under the key of its provider. */
export function fleetRecord(
  offset: number,
  timestampMs: number,
  value: { readonly batch: WorkerTelemetry } | { readonly heartbeat: NodeHeartbeat },
): LogRecord {
  const { provider_id } = 'batch' in value ? value.batch : value.heartbeat
  const bytes =
    'batch' in value ? workerTelemetryCodec.encode(value.batch) : nodeHeartbeatCodec.encode(value.heartbeat)
  return { ...inputRecord(offset, timestampMs, bytes), key: Buffer.from(provider_id) }
}

/** A task of the fleet on logs in memory. */
export class FleetLog extends TaskLog {
  constructor(
    input: readonly LogRecord[] = [],
    metrics: Metrics = noMetrics,
    workers?: FleetOptions['workers'],
  ) {
    const clock = new VirtualClock()
    super(
      FLEET_TOPICS.fleetState,
      (loadedSeq) =>
        new FleetState({
          partition: 0,
          partitions: 1,
          topics: FLEET_TOPICS,
          loadedSeq,
          gate: emptyStoreGate(),
          clock,
          metrics,
          ...(workers && { workers }),
        }),
      input,
    )
  }

  /** The newest record of each node, from fleet.state. */
  nodes(): Map<string, FleetNode> {
    const nodes = new Map<string, FleetNode>()
    for (const { topic, key, value } of this.committed) {
      if (topic !== FLEET_TOPICS.fleetState || key === null || key.startsWith('!') || value === null) continue
      nodes.set(key, fleetNodeCodec.decode(value))
    }
    return nodes
  }

  task(): FleetTask | undefined {
    const value = this.values(FLEET_TOPICS.fleetState, STATE_KEY.task).at(-1)
    return value && fleetTaskCodec.decode(value)
  }
}
