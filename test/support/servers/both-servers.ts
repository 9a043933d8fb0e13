import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Clock } from '../../../pipelines/clock.ts'
import { SCHEMA_ID } from '../../../schemas/avro.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { Access } from '../../../services/access/access.ts'
import { setUp } from '../../../services/gateway/app-fixture.ts'
import type { OpenApiDocument, OpenApiOperation } from '../oracles/openapi-check.ts'
import { edgeAtOrAfter } from '../../../pipelines/fleet/inventory/versions.ts'
import { MemoryFleet } from '../memory/memory-fleet.ts'
import { startWholeReader, WHOLE_NOW_MS } from '../memory/whole-reader.ts'
import { eventRow } from '../records/event-row.ts'
import { wholeInventory } from '../records/inventory/whole-inventory.ts'
import { fakeClickhouse } from './clickhouse.ts'

/** Gateway and reader in memory, with an empty ClickHouse: a test can call every route that their documents name. */
export interface BothServers extends AsyncDisposable {
  readonly servers: readonly Server[]
  readonly operations: readonly Operation[]
}

export interface Server {
  readonly name: 'gateway' | 'reader'
  readonly app: FastifyInstance
  readonly document: OpenApiDocument
}

/** An operation of a document. */
export interface Operation {
  readonly server: Server
  /** In capitals. */
  readonly method: string
  readonly path: string
  readonly operation: OpenApiOperation
  /** An address that it answers with 200, where it is a GET. */
  readonly url: string
}

export const OWN_NODE = 'own'
export const OPERATOR = 'op-own'

/** The only event in ClickHouse, found by its id alone; as large as an event may be. */
const EVENT = {
  ...eventRow(0, 0),
  wide_tokens_in: String(USAGE_BOUNDS.tokensMax),
  tokens_cached: String(USAGE_BOUNDS.tokensMax),
  wide_gpu_ms: String(USAGE_BOUNDS.durationMsMax * USAGE_BOUNDS.gpusMax),
}

const FOUND = String(SCHEMA_ID.usageEvent)

/** The values in a path or a query with which a GET finds something. */
export const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  operator_id: OPERATOR,
  id: FOUND,
  provider: FOUND,
  subject: 'usage.metered-value',
  version: 'latest',
  event_id: EVENT.event_id,
}

/** Answers nobody but a node of a fleet, by its own key; its path is also that of an entity, whose methods it has. */
const OF_A_NODE = '/api/fleet/nodes/self'

export async function startBothServers(
  options: {
    readonly corsOrigins?: readonly string[]
    readonly access?: Access
    /** Of requests to the gateway, where they come over real connections. */
    readonly requestClock?: Clock
  } = {},
): Promise<BothServers> {
  await using undo = new AsyncDisposableStack()
  const { app: gateway } = await setUp(options)
  undo.defer(() => gateway.close())
  const clickhouse = fakeClickhouse({
    rows: async (sql) => (sql.includes('event_id IN') && sql.includes('usage_events') ? [EVENT] : []),
  })
  const fleet = new MemoryFleet(WHOLE_NOW_MS)
  await fleet.give(wholeInventory(FOUND, edgeAtOrAfter(WHOLE_NOW_MS)))
  const reader = undo.use(await startWholeReader({ ...options, clickhouse, inventories: fleet }))
  await reader.heartbeat(OWN_NODE, { operator_id: OPERATOR })
  const servers: Server[] = []
  for (const [name, app] of [
    ['gateway', gateway],
    ['reader', reader.app as unknown as FastifyInstance],
  ] as const)
    servers.push({ name, app, document: (await app.inject('/openapi.json')).json<OpenApiDocument>() })
  const owned = undo.move()
  return {
    servers,
    operations: servers.flatMap(operationsOf).filter(({ path }) => path !== OF_A_NODE),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function operationsOf(server: Server): Operation[] {
  return Object.entries(server.document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const asks = (name: string): boolean =>
        operation.parameters?.some((parameter) => parameter.name === name) === true
      const url = Object.entries(PATH_PARAMETERS).reduce(
        (filled, [name, value]) => filled.replace(`{${name}}`, value),
        path,
      )
      return {
        server,
        method: method.toUpperCase(),
        path,
        operation,
        url: asks('node_id')
          ? `${url}?node_id=${OWN_NODE}`
          : asks('provider')
            ? `${url}?provider=${FOUND}`
            : url,
      }
    }),
  )
}

/** Requests so far. */
let sent = 0

/** Calls an operation, each time from another address: how often one address may call is the subject of another test. */
export async function asked(
  { server, method, url }: Operation,
  more: {
    readonly method?: string
    readonly url?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly payload?: string
  } = {},
): Promise<LightMyRequestResponse> {
  sent += 1
  const remoteAddress = `127.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}`
  const request = { method, url, remoteAddress, ...more } as { method: 'GET'; url: string }
  return await server.app.inject(request)
}

/** The same address with one more parameter. */
export function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
}
