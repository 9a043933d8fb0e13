import { accessKeyCodec } from '../../schemas/avro.ts'
import { FLEET_ROLES } from '../../schemas/fleet/records.ts'
import type { FleetGrant, FleetNodeName } from '../../schemas/fleet/records.ts'
import { NODE_ID_PATTERN } from '../../schemas/ids.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { describeError } from '../runtime/exit.ts'

/** Scopes of one key, and nodes of one key; a record of access.keys has 2 MiB. */
export const NODES_PER_KEY_MAX = 10_000
/** Operators of one key; each request for a wallet searches the list of its credential. */
export const OPERATORS_PER_KEY_MAX = 1_000
/** Grants of one key: each request for an inventory searches the list of its credential. */
export const GRANTS_PER_KEY_MAX = 100
const SCOPES_PER_KEY_MAX = 16
const SCOPE_CHARACTERS_MAX = 64
/** The last time that a date can hold. */
const DATE_MS_MAX = 8.64e15

const KEY_ID = /^[0-9a-f]{16}$/
const CLIENT = /^[^\p{Cc}\p{Cs}\p{Cn}]{1,64}$/u
const NODE = new RegExp(NODE_ID_PATTERN)

/** Whether a credential may name this node: `*` allows all nodes. */
export function isNodeName(name: string): boolean {
  return name === '*' || NODE.test(name)
}

/** Whether a credential may name this operator. */
export function isOperatorName(name: string): boolean {
  return NODE.test(name)
}

/** A fleet's node from `provider/location/node`; null where the text is none. */
export function parseFleetNode(text: string): FleetNodeName | null {
  const [provider_id, location_id, node_id, ...more] = text.split('/')
  if (provider_id === undefined || location_id === undefined || node_id === undefined) return null
  const node = { provider_id, location_id, node_id }
  return more.length === 0 && isFleetNode(node) ? node : null
}

/** A grant from `PROVIDER/ROLE` or `PROVIDER/customer/CUSTOMER`; null where the text is none. */
export function parseGrant(text: string): FleetGrant | null {
  const [provider_id = '', role = '', customer_id = null, ...more] = text.split('/')
  const known = FLEET_ROLES.find((one) => one === role)
  if (known === undefined || more.length > 0) return null
  const grant = { provider_id, role: known, customer_id }
  return isGrant(grant) ? grant : null
}

/** A customer's grant names the customer, and no other does. */
function isGrant({ provider_id, role, customer_id }: FleetGrant): boolean {
  if (!NODE.test(provider_id)) return false
  return role === 'customer' ? customer_id !== null && NODE.test(customer_id) : customer_id === null
}

function isFleetNode({ provider_id, location_id, node_id }: FleetNodeName): boolean {
  return [provider_id, location_id, node_id].every((name) => NODE.test(name))
}

/** Whether a text can be the client of a key. */
export function isClient(text: string): boolean {
  return CLIENT.test(text)
}

/** A value of access.keys under its key's id, or the reason why it is not a key. */
export function readAccessKey(keyId: string, value: Buffer): AccessKey | { readonly problem: string } {
  let key: AccessKey
  try {
    const decoded = accessKeyCodec.decode(value)
    key = { ...decoded, secret_hash: ownBytes(decoded.secret_hash) }
  } catch (error) {
    return { problem: `it cannot be decoded (${describeError(error)})` }
  }
  const problem = problemOf(keyId, key)
  return problem === undefined ? key : { problem }
}

function problemOf(keyId: string, key: AccessKey): string | undefined {
  const { scopes, nodes, operators, parent, created_at, expires_at, revoked_at } = key
  if (!KEY_ID.test(keyId)) return 'its key is no id'
  if (key.key_id !== keyId) return 'it names another key'
  if (!isClient(key.client)) return 'its client has more than 64 characters, none, or some that no name has'
  if (scopes.length > SCOPES_PER_KEY_MAX || scopes.some((scope) => scope.length > SCOPE_CHARACTERS_MAX))
    return 'it has more or longer scopes than there are'
  if (nodes.length > NODES_PER_KEY_MAX) return `it names more than ${NODES_PER_KEY_MAX} nodes`
  if (!nodes.every(isNodeName)) return 'it names a node that there cannot be'
  if (operators.length > OPERATORS_PER_KEY_MAX) return `it names more than ${OPERATORS_PER_KEY_MAX} operators`
  if (!operators.every(isOperatorName)) return 'it names an operator that there cannot be'
  if (key.fleet_node !== null && !isFleetNode(key.fleet_node))
    return "it names a fleet's node that there cannot be"
  if (key.grants.length > GRANTS_PER_KEY_MAX) return `it has more than ${GRANTS_PER_KEY_MAX} grants`
  if (!key.grants.every(isGrant)) return 'it has a grant that there cannot be'
  if (parent !== null && (!KEY_ID.test(parent) || parent === keyId)) return 'its parent is no other key'
  const times = [created_at, expires_at ?? 0, revoked_at ?? 0]
  return times.every((ms) => ms >= 0 && ms <= DATE_MS_MAX) ? undefined : 'it has a time outside of all years'
}
