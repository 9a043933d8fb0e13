import type { FastifyRequest } from 'fastify'
import type { FleetGrant, FleetNodeName } from '../../schemas/fleet/records.ts'
import { invalidParameter } from './refusal.ts'

/** The scopes that a route may require of a credential; `public` requires none. */
export const SCOPES = [
  'events:write',
  'usage:read',
  'settings:write',
  'fleet:telemetry',
  'fleet:read',
  'fleet:write',
  'admin',
] as const
export type Scope = (typeof SCOPES)[number]

/** The caller of a request: a credential, with what it may do to which nodes. */
export interface Caller {
  /** For the audit: `key:…`, `jwt:…`, or `loopback` where access is off. */
  readonly id: string
  readonly scopes: ReadonlySet<Scope>
  /** `*` for all. */
  readonly nodes: '*' | ReadonlySet<string>
  /** The operators that the credential itself names: their wallets are its own, whatever nodes say. */
  readonly operators: ReadonlySet<string>
  /** The one node of a hosting fleet that the credential stands for. */
  readonly fleetNode: FleetNodeName | null
  /** What it may do with the inventories of hosting providers; an admin may do everything. */
  readonly grants: readonly FleetGrant[]
}

/** The caller of every request where access is off: such a server listens on loopback only. */
export const LOOPBACK_CALLER: Caller = {
  id: 'loopback',
  scopes: new Set(['admin']),
  nodes: '*',
  operators: new Set(),
  fleetNode: null,
  grants: [],
}

/** The caller of a request that needs no credential. */
export const NOBODY: Caller = {
  id: 'nobody',
  scopes: new Set(),
  nodes: new Set(),
  operators: new Set(),
  fleetNode: null,
  grants: [],
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    /** The scope that the caller needs; a route without one is refused when it is registered. */
    scope?: Scope | 'public'
    /** A public route that is cheap: not limited by address. */
    isUnlimited?: boolean
    /** A public route that shows more to some callers than to others, so the caller is identified. */
    identifiesCaller?: boolean
    /** Schema of the body, for the document: `jsonBody` reads it. */
    body?: object
    /** Set where the bodies of this route may be larger than those of its app. */
    bodyBytesMax?: number
  }
}

export function isAdmin(caller: Caller): boolean {
  return caller.scopes.has('admin')
}

/** Whether the caller may see and change a node. */
export function maySee(caller: Caller, nodeId: string): boolean {
  return isAdmin(caller) || caller.nodes === '*' || caller.nodes.has(nodeId)
}

/** The parts of a request that identify its caller. */
export type RequestCaller = Pick<FastifyRequest, 'caller' | 'ip'>

/** The holder of room that is shared: the credential; without one, and where access is off, the address. */
export function holderOf({ caller, ip }: RequestCaller): string {
  return caller === undefined || caller === NOBODY || caller === LOOPBACK_CALLER ? `address:${ip}` : caller.id
}

/**
 * The node that a request is about: the one that it names, or the credential's only one. Whether the caller may see it is
 * not checked here. Throws a Problem (422) where none is named and the credential has not exactly one.
 */
export function requestedNode({ caller }: FastifyRequest, nodeId: string | undefined): string {
  if (nodeId !== undefined) return nodeId
  const [only, ...others] = caller.nodes === '*' ? [] : [...caller.nodes]
  if (only !== undefined && others.length === 0) return only
  throw invalidParameter(
    'node_id',
    '"node_id" is missing: this credential does not stand for exactly one node.',
  )
}
