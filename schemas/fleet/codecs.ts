import { codec, SCHEMA_ID } from '../avro.ts'
import type { FleetFace, FleetHearing, FleetPageRecord } from './page-records.ts'
import type { FleetNode, FleetTask, NodeHeartbeat, WorkerTelemetry } from './records.ts'

export const workerTelemetryCodec = codec<WorkerTelemetry>(SCHEMA_ID.workerTelemetry, 'worker-telemetry.v1')
export const nodeHeartbeatCodec = codec<NodeHeartbeat>(SCHEMA_ID.nodeHeartbeat, 'node-heartbeat.v1')
export const fleetTaskCodec = codec<FleetTask>(SCHEMA_ID.fleetTask, 'fleet-task.v1')
export const fleetNodeCodec = codec<FleetNode>(SCHEMA_ID.fleetNode, 'fleet-node.v2', {
  schemaId: SCHEMA_ID.fleetNodeV1,
  file: 'fleet-node.v1',
  upgrade: (node: Omit<FleetNode, 'contacts' | 'clone_contacts'>) => ({
    ...node,
    contacts: [],
    clone_contacts: 0,
  }),
})
export const fleetPageCodec = codec<FleetPageRecord>(SCHEMA_ID.fleetPage, 'fleet-page.v1')
export const fleetFaceCodec = codec<FleetFace>(SCHEMA_ID.fleetFace, 'fleet-face.v1')
export const fleetHearingCodec = codec<FleetHearing>(SCHEMA_ID.fleetHearing, 'fleet-hearing.v1')

/** The key of a node in fleet.state: its names, none of which contains a slash. */
export function fleetNodeKey({
  provider_id,
  location_id,
  node_id,
}: Pick<FleetNode, 'provider_id' | 'location_id' | 'node_id'>): string {
  return `${provider_id}/${location_id}/${node_id}`
}
