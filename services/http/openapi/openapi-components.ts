import * as audit from '../../../schemas/http/audit.ts'
import * as exposure from '../../../schemas/http/exposure.ts'
import * as fleet from '../../../schemas/http/fleet.ts'
import * as fleetInventory from '../../../schemas/http/fleet-inventory.ts'
import * as fleetNodes from '../../../schemas/http/fleet-nodes.ts'
import * as fleetViews from '../../../schemas/http/fleet-views.ts'
import * as gateway from '../../../schemas/http/gateway.ts'
import * as heartbeats from '../../../schemas/http/heartbeats.ts'
import * as hosting from '../../../schemas/http/hosting.ts'
import * as models from '../../../schemas/http/models.ts'
import * as ops from '../../../schemas/http/ops.ts'
import * as problem from '../../../schemas/http/problem.ts'
import * as provider from '../../../schemas/http/provider.ts'
import * as registry from '../../../schemas/http/registry.ts'
import * as setAside from '../../../schemas/http/set-aside.ts'
import * as settings from '../../../schemas/http/settings.ts'
import * as settlements from '../../../schemas/http/settlements.ts'
import * as usage from '../../../schemas/http/usage.ts'
import * as wallets from '../../../schemas/http/wallets.ts'

const MODULES = [
  audit,
  exposure,
  fleet,
  fleetInventory,
  fleetInventory.NAMED_SCHEMAS,
  fleetNodes,
  fleetViews,
  gateway,
  heartbeats,
  hosting,
  models,
  ops,
  problem,
  provider,
  registry,
  setAside,
  settings,
  settlements,
  usage,
  wallets,
]

/** Marks a schema that has a name, until the document is whole. */
const MARK = 'x-component'

/** Parameters stay with their routes; generated clients make no type of them. */
const PARAMETERS = /(Query|Params)$/

/** Every object that `schemas/http` exports, by its text: its name is that of its export. */
const NAMES: ReadonlyMap<string, string> = new Map(
  MODULES.flatMap((exports) => Object.entries(exports as Readonly<Record<string, unknown>>))
    .filter(([name, schema]) => isObjectSchema(schema) && !PARAMETERS.test(name))
    .map(([name, schema]) => [JSON.stringify(schema), name.replace(/Schema$/, '')]),
)

function isObjectSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'properties' in value && 'type' in value
}

/** The same value, with a mark on every schema that has a name: a library makes the document and copies what it gets. */
export function marked(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(marked)
  if (typeof schema !== 'object' || schema === null) return schema
  const name = isObjectSchema(schema) ? NAMES.get(JSON.stringify(schema)) : undefined
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, marked(value)]))
  return name === undefined ? copy : { ...copy, [MARK]: name }
}

interface Document {
  components?: { schemas?: Record<string, unknown> }
}

/** The document with every marked schema once, among its components, and a reference in each place that uses it. */
export function withComponents<Whole extends object>(document: Whole): Whole {
  const schemas: Record<string, unknown> = {}
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved)
    if (typeof value !== 'object' || value === null) return value
    const { [MARK]: name, ...rest } = value as Readonly<Record<string, unknown>>
    const inner = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, moved(member)]))
    if (typeof name !== 'string') return inner
    schemas[name] = inner
    return { $ref: `#/components/schemas/${name}` }
  }
  const whole = moved(document) as Whole & Document
  const sorted = Object.entries(schemas).toSorted(([left], [right]) => (left < right ? -1 : 1))
  whole.components = { ...whole.components, schemas: Object.fromEntries(sorted) }
  return whole
}
