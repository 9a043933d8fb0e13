import { fleetFaceCodec } from '../../../../schemas/fleet/codecs.ts'
import type { FleetFace } from '../../../../schemas/fleet/page-records.ts'
import type { LogRecord } from '../../../../pipelines/log/records.ts'
import type { Row } from '../../oracles/row-reader.ts'
import { FleetLog } from '../../records/fleet-log.ts'
import { ScriptIdentity, ScriptInventory } from './script-inventory.ts'
import type { Script } from './script-inventory.ts'

/** A task of the fleet with workers, on logs in memory. */
export function workersLog(input: readonly LogRecord[], script: Script): FleetLog {
  const inventory = new ScriptInventory(script)
  return new FleetLog(input, undefined, { inventory, identity: new ScriptIdentity(inventory) })
}

/** The rows of the tables that pages fill, in an order of their own, and how each worker stands. */
export function workersOf(log: FleetLog): {
  readonly rows: Readonly<Record<string, readonly string[]>>
  readonly faces: ReadonlyMap<string, FleetFace>
} {
  const tables = ['fleet_5m', 'fleet_1m', 'fleet_status', 'fleet_samples', 'dead_letters']
  const rows = tables.map((table) => [table, log.rows(table).map(textOf).toSorted()] as const)
  const faces = new Map<string, FleetFace>()
  for (const { key, value } of log.committed) {
    if (key?.startsWith('!face/') !== true) continue
    if (value === null) faces.delete(key)
    else faces.set(key, fleetFaceCodec.decode(value))
  }
  return { rows: Object.fromEntries(rows), faces: new Map([...faces].toSorted(byKey)) }
}

function textOf(row: Row): string {
  return JSON.stringify(row, (_, cell: unknown) => (typeof cell === 'bigint' ? `${cell}` : cell))
}

const byKey = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1
