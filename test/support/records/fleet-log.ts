import { STATE_KEY } from '../../../schemas/avro.ts'
import {
  fleetNodeCodec,
  fleetTaskCodec,
  nodeHeartbeatCodec,
  workerTelemetryCodec,
} from '../../../schemas/fleet/codecs.ts'
import {
  fleetEntityCodec,
  inventoryCommandCodec,
  inventoryOutcomeCodec,
} from '../../../schemas/fleet/inventory/codecs.ts'
import type {
  EntityRecord,
  InventoryCommand,
  InventoryOutcome,
} from '../../../schemas/fleet/inventory/records.ts'
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
  value:
    | { readonly batch: WorkerTelemetry }
    | { readonly heartbeat: NodeHeartbeat }
    | { readonly command: InventoryCommand },
): LogRecord {
  const [provider, bytes] = encoded(value)
  return { ...inputRecord(offset, timestampMs, bytes), key: Buffer.from(provider) }
}

function encoded(value: Parameters<typeof fleetRecord>[2]): readonly [provider: string, bytes: Buffer] {
  if ('batch' in value) return [value.batch.provider_id, workerTelemetryCodec.encode(value.batch)]
  if ('command' in value) return [value.command.provider_id, inventoryCommandCodec.encode(value.command)]
  return [value.heartbeat.provider_id, nodeHeartbeatCodec.encode(value.heartbeat)]
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

  /** What fleet.state has of the inventory, without what was deleted. */
  inventory(): { entities: Map<string, EntityRecord>; outcomes: Map<string, InventoryOutcome> } {
    const entities = new Map<string, EntityRecord>()
    const outcomes = new Map<string, InventoryOutcome>()
    for (const { topic, key, value } of this.committed) {
      if (topic !== FLEET_TOPICS.fleetState || key === null) continue
      if (value === null) {
        entities.delete(key)
        outcomes.delete(key)
      } else if (key.startsWith(STATE_KEY.inventory)) entities.set(key, fleetEntityCodec.decode(value))
      else if (key.startsWith(STATE_KEY.commands)) outcomes.set(key, inventoryOutcomeCodec.decode(value))
    }
    return { entities, outcomes }
  }

  task(): FleetTask | undefined {
    const value = this.values(FLEET_TOPICS.fleetState, STATE_KEY.task).at(-1)
    return value && fleetTaskCodec.decode(value)
  }
}
