import { schemaIdOf, SCHEMA_ID } from '../../../schemas/avro.ts'
import { fleetFaceCodec, fleetNodeCodec, fleetTaskCodec } from '../../../schemas/fleet/codecs.ts'
import { fleetEntityCodec, inventoryOutcomeCodec } from '../../../schemas/fleet/inventory/codecs.ts'
import type { EntityRecord, InventoryOutcome } from '../../../schemas/fleet/inventory/records.ts'
import type { FleetFace } from '../../../schemas/fleet/page-records.ts'
import type { FleetNode, FleetTask } from '../../../schemas/fleet/records.ts'
import type { Logs } from '../logs.ts'

/** What fleet.state holds about one partition: the newest record of each node, and the task record they belong to. */
export interface FleetPresent {
  readonly nodes: ReadonlyMap<string, FleetNode>
  /** By their keys. */
  readonly entities: ReadonlyMap<string, EntityRecord>
  readonly outcomes: ReadonlyMap<string, InventoryOutcome>
  /** How workers stand, by their keys. */
  readonly faces: ReadonlyMap<string, FleetFace>
  readonly task: FleetTask | null
}

/** Reads fleet.state up to its present end: a transaction's task record is its last record. */
export async function readFleetState(logs: Logs, partition: number): Promise<FleetPresent> {
  const nodes = new Map<string, FleetNode>()
  const entities = new Map<string, EntityRecord>()
  const outcomes = new Map<string, InventoryOutcome>()
  const faces = new Map<string, FleetFace>()
  let task: FleetTask | null = null
  const { end } = await logs.range('fleetState', partition)
  for await (const { key, value } of logs.read('fleetState', partition, { to: end })) {
    const id = schemaIdOf(value)
    const name = key?.toString() ?? ''
    if (value === null) {
      entities.delete(name)
      outcomes.delete(name)
      faces.delete(name)
    } else if (id === SCHEMA_ID.fleetTask) task = fleetTaskCodec.decode(value)
    else if (id === SCHEMA_ID.fleetFace) faces.set(name, fleetFaceCodec.decode(value))
    else if (fleetNodeCodec.schemaIds.includes(id)) nodes.set(name, fleetNodeCodec.decode(value))
    else if (id === SCHEMA_ID.fleetEntity) entities.set(name, fleetEntityCodec.decode(value))
    else if (id === SCHEMA_ID.inventoryOutcome) outcomes.set(name, inventoryOutcomeCodec.decode(value))
  }
  return { nodes, entities, outcomes, faces, task }
}
