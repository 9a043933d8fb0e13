import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { LoopTurns } from '../../pipelines/in-turns.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { EVENT_ID_PATH_CHARACTERS_MAX } from '../../schemas/http/usage.ts'
import { VERSION } from '../../schemas/version.ts'
import type { Access } from '../access/access.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { allowDocs, problemTable, publishDocs } from '../http/openapi/docs.ts'
import { Bodies } from '../http/bodies.ts'
import { followConventions } from '../http/conventions.ts'
import { InFlight } from '../http/in-flight.ts'
import { serverTimeouts } from '../http/timeouts.ts'
import { Cursors } from '../http/cursor.ts'
import { publishOpenApi } from '../http/openapi/openapi.ts'
import { settingOf } from '../runtime/config-schema.ts'
import { GATEWAY_API, gatewayDocument } from '../gateway/document.ts'
import type { Begin, TopicVersion } from '../runtime/layout.ts'
import type { InstallationModels } from '../models/follow-models.ts'
import type { Accounts } from './present/accounts.ts'
import type { PresentFleet } from './present/fleet-nodes.ts'
import type { Commands } from './commands.ts'
import { History } from './history/history.ts'
import type { InventoryCommands } from './fleet/inventory-commands.ts'
import type { InventoryPresent } from './fleet/inventory-present.ts'
import { inventoryRoutes } from './fleet/inventory-routes.ts'
import { chartRoutes } from './fleet/chart-routes.ts'
import { Fleets } from './fleet/standing/fleets.ts'
import { nodeListRoute } from './fleet/node-list-route.ts'
import { seriesRoute } from './fleet/series-route.ts'
import { statusHistoryRoute } from './fleet/status-history-route.ts'
import { viewRoutes } from './fleet/view-routes.ts'
import { WRITE_BYTES_MAX } from './routes/json-body.ts'
import { Ranking } from './present/leaderboard.ts'
import type { ReaderApp, RouteParts } from './parts.ts'
import { Present } from './present/present.ts'
import type { FollowedState } from './present/present.ts'
import { auditRoutes } from './routes/audit.ts'
import { eventRoutes } from './routes/events.ts'
import { exposureRoutes } from './routes/exposure.ts'
import { fleetNodesRoutes } from './routes/fleet-nodes.ts'
import { hostingRoutes } from './routes/hosting.ts'
import { modelsRoutes } from './routes/models.ts'
import { operatorRoutes } from './routes/operators.ts'
import { providerRoutes } from './routes/provider.ts'
import { oneEventRoute } from './routes/one-event.ts'
import type { BlockRole } from '../../schemas/topics.ts'
import { putBackRoute } from './routes/put-back.ts'
import { setAsideRoutes } from './routes/set-aside.ts'
import type { PutBack } from './put-back.ts'
import { settingsRoutes } from './routes/settings.ts'
import { settlementRoutes } from './routes/settlements.ts'
import { usageRoutes } from './routes/usage.ts'
import { walletRoutes } from './routes/wallets.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** The parts of the reader. */
export interface ReaderAppParts {
  readonly accounts: Accounts
  readonly table: FollowedState
  readonly fleet: PresentFleet
  readonly clickhouse: ClickhouseClient
  readonly access: Access
  /** Where refused callers are reported. */
  readonly audit?: AuditSink
  /** See `ConventionParts`. */
  readonly corsOrigins?: readonly string[]
  readonly commands: Commands
  readonly putBack: PutBack
  readonly models: InstallationModels
  /** The inventories of hosting providers, and how they are changed. */
  readonly inventory: InventoryPresent
  readonly inventoryCommands: InventoryCommands
  /** Names of the topics whose blocks fill ClickHouse's tables. */
  readonly topics: Readonly<Record<BlockRole, string>>
  readonly partitions: number
  /** See `History`. */
  readonly before?: readonly TopicVersion[]
  readonly begin?: Begin | null
  /** Signs cursors; the same for all readers behind one address. */
  readonly cursorKey: Buffer
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Aborts when the process is requested to end. */
  readonly leaving?: AbortSignal
  /** The routes /healthz, /readyz and /metrics. */
  readonly ops: FastifyPluginAsync
}

/** Longest time to receive a request; these routes take its head only. */
const REQUEST_TIMEOUT_MS = 10_000

const API = {
  title: 'Hivemeter reader',
  version: VERSION,
  address: `http://127.0.0.1:${String(settingOf('readerPort').default)}`,
  description: `What compute providers did, what they are owed and what they were paid. Times are UTC; ranges are half-open; every rounded number has an exact twin beside it. A daily limit of 0 or null is no limit.\n\nErrors are RFC 9457 problems; decide by their code:\n\n${problemTable()}`,
  tags: [
    { name: 'provider', description: 'The present of nodes' },
    { name: 'settings', description: 'What a node allows, and whose it is' },
    { name: 'exposure', description: 'May it still spend so much today?' },
    { name: 'usage', description: 'Windows and single events' },
    { name: 'settlements', description: 'What was paid, and what is open' },
    { name: 'wallets', description: 'Balances and entries' },
    { name: 'hosting', description: 'Rewards and the leaderboard' },
    { name: 'models', description: 'Which models are paid by the call' },
    { name: 'inventory', description: 'What hosting providers have: sites, machines, customers' },
    { name: 'fleet', description: 'What the machines and nodes of a hosting provider are and do' },
    { name: 'audit', description: 'Keys, tiers, operators, and who was refused' },
    { name: 'operation', description: 'For the operator' },
  ],
}

/** The reader's app: all routes, not listening yet. */
export async function buildReader(parts: ReaderAppParts): Promise<ReaderApp> {
  const app = Fastify({
    // Metrics count the requests; errors are logged where their cause is known.
    logger: false,
    forceCloseConnections: 'idle',
    ...serverTimeouts(REQUEST_TIMEOUT_MS),
    // A misspelt parameter is refused, never dropped, and one answer names all faults.
    ajv: { customOptions: { removeAdditional: false, allErrors: true } },
    routerOptions: { maxParamLength: EVENT_ID_PATH_CHARACTERS_MAX },
  }).withTypeProvider<TypeBoxTypeProvider>()

  const { clickhouse, commands, partitions, clock } = parts
  allowDocs(app, async () => [{ address: GATEWAY_API.address, document: await gatewayDocument() }])
  await followConventions(app, { ...parts, corsOrigins: parts.corsOrigins ?? [] })
  const bodies = new Bodies(app, { clock, inFlight: new InFlight(clock) })
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    // A connection that stays open after its last answer would delay the stop.
    if (parts.leaving?.aborted === true) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const labels = {
      route: request.routeOptions.url ?? 'none',
      method: request.method,
      status: String(reply.statusCode),
    }
    parts.metrics.observe('hivemeter_http_request_duration_seconds', labels, reply.elapsedTime / SECOND_MS)
  })

  await publishOpenApi(app, API)
  await publishDocs(app)
  await app.register(parts.ops)
  bodies.take(app, { mediaTypes: ['application/json'], sizeBytesMax: WRITE_BYTES_MAX })
  const present = new Present(parts)
  const routeParts = {
    present,
    commands,
    history: new History({ ...parts, client: clickhouse }),
    cursors: new Cursors(parts.cursorKey),
    clock,
    partitions,
    turns: new LoopTurns(),
  }
  addRoutes(app, routeParts, parts)
  await app.ready()
  return app
}

function addRoutes(
  app: ReaderApp,
  routeParts: RouteParts & { readonly partitions: number },
  parts: Pick<ReaderAppParts, 'putBack' | 'models' | 'inventory' | 'inventoryCommands' | 'fleet'>,
): void {
  const { putBack, models, inventory, inventoryCommands, fleet } = parts
  const { clock } = routeParts
  providerRoutes(app, routeParts)
  settingsRoutes(app, routeParts)
  operatorRoutes(app, routeParts)
  exposureRoutes(app, routeParts)
  usageRoutes(app, routeParts)
  eventRoutes(app, routeParts)
  oneEventRoute(app, routeParts)
  setAsideRoutes(app, routeParts)
  putBackRoute(app, { ...routeParts, putBack })
  settlementRoutes(app, routeParts)
  walletRoutes(app, routeParts)
  auditRoutes(app, routeParts)
  modelsRoutes(app, { ...routeParts, models })
  fleetNodesRoutes(app, { fleet })
  inventoryRoutes(app, { ...routeParts, inventory, inventoryCommands })
  const fleets = new Fleets(inventory, clock)
  viewRoutes(app, { ...routeParts, fleets })
  nodeListRoute(app, { ...routeParts, inventory, fleets, fleet })
  chartRoutes(app, { ...routeParts, inventory })
  statusHistoryRoute(app, { ...routeParts, inventory })
  seriesRoute(app, { ...routeParts, inventory })
  hostingRoutes(app, { ...routeParts, ranking: new Ranking(routeParts.present, routeParts.clock) })
}
