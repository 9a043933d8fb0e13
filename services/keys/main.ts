import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { KeyStore } from '../access/key-store.ts'
import type { KeyRequest } from '../access/key-store.ts'
import { isActive } from '../access/key-ring.ts'
import {
  isClient,
  isNodeName,
  GRANTS_PER_KEY_MAX,
  isOperatorName,
  NODES_PER_KEY_MAX,
  OPERATORS_PER_KEY_MAX,
  parseFleetNode,
  parseGrant,
} from '../access/read-key.ts'
import { fleetNodeKey } from '../../schemas/fleet/codecs.ts'
import type { FleetGrant, FleetNodeName } from '../../schemas/fleet/records.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { DAY_MS } from '../../schemas/units.ts'
import { runCommand } from '../runtime/command.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { SCOPES } from '../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../http/times.ts'

const EXPIRES_DAYS_MAX = 3_650

const OPTIONS = {
  client: { type: 'string' },
  scopes: { type: 'string' },
  nodes: { type: 'string' },
  operator: { type: 'string' },
  'fleet-node': { type: 'string' },
  grant: { type: 'string' },
  'expires-days': { type: 'string' },
} as const

const USAGE = `Usage: npm run keys -- create --client NAME --scopes a,b [--nodes x,y] [--operator NAME] [--expires-days N]
       npm run keys -- create --client NAME --scopes fleet:telemetry --fleet-node PROVIDER/LOCATION/NODE [--expires-days N]
       npm run keys -- create --client NAME --scopes fleet:read,fleet:write --grant PROVIDER/ROLE [--expires-days N]
       npm run keys -- list
       npm run keys -- revoke KEY_ID
--scopes   of ${SCOPES.join(', ')}; admin is all of them for all nodes
--nodes    the nodes that the key stands for, or "*" for all; needed unless the key is admin or names an operator
--fleet-node the one node of a hosting fleet whose telemetry and heartbeats the key may write; it may do nothing else
--grant    what the key may do with the inventory of a hosting provider: PROVIDER/provider_admin, PROVIDER/technician or
           PROVIDER/customer/CUSTOMER; several with commas
--operator the operator whose wallet the key may read, and for whom its nodes may join; several with commas
The key's text is printed once, and is kept nowhere. A client has at most two active keys.`

type Values = { readonly [Name in keyof typeof OPTIONS]?: string }

const spec = { name: 'keys', usage: USAGE, options: OPTIONS, positionals: true } as const

await runCommand(spec, async ({ config, values, positionals, say }): Promise<ExitCode> => {
  const [action, keyId, ...more] = positionals
  if (more.length > 0) throw wrong(`"${more[0]}" is one argument too many.`)
  if (action !== 'revoke' && keyId !== undefined) throw wrong(`"${keyId}" is one argument too many.`)
  if (action === 'create') {
    const request = requestOf(values, systemClock.nowMs())
    await using store = await KeyStore.open(config, systemClock, systemRandom)
    const { text, keyId: made } = await store.create(request)
    warn(store, say)
    say(`key ${made} of ${request.client}: ${request.scopes.join(', ')}; ${namedBy(request)}`)
    say(text)
    return EXIT.ok
  }
  if (action === 'list') {
    await using store = await KeyStore.open(config, systemClock, systemRandom)
    const nowMs = systemClock.nowMs()
    for (const key of store.all()) {
      const state = stateOf(key, store.isInForce(key, nowMs), nowMs)
      const until = formatTimeOrNull(key.revoked_at ?? key.expires_at) ?? 'for good'
      const nodes = key.nodes.join(',') || (key.scopes.includes('admin') ? '*' : '-')
      const beside = [
        ...(key.operators.length === 0 ? [] : [`operators ${key.operators.join(',')}`]),
        ...(key.fleet_node === null ? [] : [`fleet node ${fleetNodeKey(key.fleet_node)}`]),
        ...(key.grants.length === 0 ? [] : [`grants ${key.grants.map(grantText).join(',')}`]),
        ...(key.parent === null ? [] : [`made from ${key.parent}`]),
      ]
      const columns = [key.client, key.scopes.join(','), nodes, formatTime(key.created_at), until, ...beside]
      say([key.key_id, state.padEnd(7), ...columns].join('  '))
    }
    for (const { keyId: id, problem } of store.unreadable())
      say(`${id}  unreadable: ${problem}; nobody gets in with it. revoke it, and find out who wrote it.`)
    return EXIT.ok
  }
  if (action === 'revoke') {
    if (keyId === undefined) throw wrong('Which key? Give its id, as list shows it.')
    await using store = await KeyStore.open(config, systemClock, systemRandom)
    const { client } = await store.revoke(keyId)
    warn(store, say)
    say(`key ${keyId} of ${client} is revoked; every server refuses it within 5 s.`)
    return EXIT.ok
  }
  throw wrong(action === undefined ? 'Nothing to do.' : `"${action}" is none of create, list, revoke.`)
})

/** The key is in force all the same; only its row in the audit may be missing. */
function warn(store: KeyStore, say: (line: string) => void): void {
  for (const what of store.unaudited()) say(`the audit may not have this: ${what}`)
}

function requestOf(values: Values, nowMs: number): KeyRequest {
  const client = values.client ?? ''
  if (!isClient(client)) throw wrong('--client has 1 to 64 characters: whose key it is.')
  const scopes = listOf(values.scopes)
  const unknown = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope))
  if (unknown !== undefined) throw wrong(`"${unknown}" is none of the scopes ${SCOPES.join(', ')}.`)
  if (scopes.length === 0) throw wrong('--scopes is missing: what the key may do.')
  const nodes = listOf(values.nodes)
  const foreign = nodes.find((node) => !isNodeName(node))
  if (foreign !== undefined) throw wrong(`"${foreign}" is no node id: 1 to 64 of A-Z a-z 0-9 . _ : -`)
  if (nodes.length > NODES_PER_KEY_MAX) throw wrong(`A key names at most ${NODES_PER_KEY_MAX} nodes.`)
  const operators = listOf(values.operator)
  const unnamed = operators.find((operator) => !isOperatorName(operator))
  if (unnamed !== undefined) throw wrong(`"${unnamed}" is no operator id: 1 to 64 of A-Z a-z 0-9 . _ : -`)
  if (operators.length > OPERATORS_PER_KEY_MAX)
    throw wrong(`A key names at most ${OPERATORS_PER_KEY_MAX} operators.`)
  const fleetNode = fleetNodeOf(values, scopes)
  if (fleetNode !== null && nodes.length + operators.length > 0)
    throw wrong("A key of a fleet's node names no other nodes and no operators.")
  const grants = listOf(values.grant).map((text) => {
    const grant = parseGrant(text)
    if (grant === null)
      throw wrong(
        `"${text}" is no grant: PROVIDER/provider_admin, PROVIDER/technician or PROVIDER/customer/CUSTOMER.`,
      )
    return grant
  })
  if (grants.length > GRANTS_PER_KEY_MAX) throw wrong(`A key has at most ${GRANTS_PER_KEY_MAX} grants.`)
  if (fleetNode !== null && grants.length > 0) throw wrong("A key of a fleet's node has no grants.")
  const names = nodes.length + operators.length + grants.length
  if (names === 0 && fleetNode === null && !scopes.includes('admin'))
    throw wrong('--nodes is missing: which nodes the key stands for.')
  const days = values['expires-days']
  if (days !== undefined && (!/^\d{1,4}$/.test(days) || Number(days) < 1 || Number(days) > EXPIRES_DAYS_MAX))
    throw wrong(`--expires-days is a whole number from 1 to ${EXPIRES_DAYS_MAX}.`)
  const expiresAtMs = days === undefined ? null : nowMs + Number(days) * DAY_MS
  return { client, scopes, nodes, operators, fleetNode, grants, expiresAtMs }
}

/** Such a key stands on a machine of the site and stands for one node: it must not open anything else. */
function fleetNodeOf(values: Values, scopes: readonly string[]): FleetNodeName | null {
  const text = values['fleet-node']
  const isOfFleet = scopes.includes('fleet:telemetry')
  if (text === undefined && !isOfFleet) return null
  if (scopes.length !== 1 || !isOfFleet)
    throw wrong("A key of a fleet's node has the scope fleet:telemetry, and no other.")
  const node = parseFleetNode(text ?? '')
  if (node === null)
    throw wrong('--fleet-node is PROVIDER/LOCATION/NODE, each 1 to 64 of A-Z a-z 0-9 . _ : -')
  return node
}

function stateOf(key: AccessKey, isInForce: boolean, nowMs: number): string {
  if (isInForce) return 'active'
  if (key.revoked_at !== null) return 'revoked'
  return isActive(key, nowMs) ? 'ended' : 'expired'
}

/** What a new key may name; an admin's key may name everything. */
function namedBy({ scopes, nodes, operators = [], fleetNode = null, grants = [] }: KeyRequest): string {
  if (fleetNode !== null) return `fleet node ${fleetNodeKey(fleetNode)}`
  const all = scopes.includes('admin') ? 'all' : 'none'
  const ofOperators = operators.length === 0 ? [] : [`operators ${operators.join(', ')}`]
  const granted = grants.length === 0 ? [] : [`grants ${grants.map(grantText).join(', ')}`]
  return [`nodes ${nodes.join(', ') || all}`, ...ofOperators, ...granted].join('; ')
}

function grantText({ provider_id, role, customer_id }: FleetGrant): string {
  return [provider_id, role, ...(customer_id === null ? [] : [customer_id])].join('/')
}

function listOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(',').map((part) => part.trim()))].filter((part) => part !== '')
}

function wrong(message: string): ExitError {
  return new ExitError(EXIT.usage, `${message}\n${USAGE}`)
}
