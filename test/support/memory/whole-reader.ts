import { clickhouseAway } from '../servers/clickhouse.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { RULES_DEFAULT } from '../../../pipelines/account/rules.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { tickFor } from '../../../pipelines/log/tick.ts'
import { inboxHeartbeatCodec } from '../../../schemas/avro.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { Cost, InboxHeartbeat } from '../../../schemas/records.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { Access } from '../../../services/access/access.ts'
import type { AuditSink } from '../../../services/audit/audit-log.ts'
import { opsRoutes } from '../../../services/http/ops.ts'
import { Accounts } from '../../../services/reader/present/accounts.ts'
import type { StateRecord } from '../../../services/reader/present/accounts.ts'
import type { FleetNodes } from '../../../services/reader/present/fleet-nodes.ts'
import { buildReader } from '../../../services/reader/app.ts'
import { Commands } from '../../../services/reader/commands.ts'
import type { ReaderApp } from '../../../services/reader/parts.ts'
import { cost, inboxUsage, nodeSum } from '../records/inbox.ts'
import { MemorySettler } from './memory-settler.ts'
import { assertDocumented } from '../oracles/openapi-check.ts'
import type { OpenApiDocument } from '../oracles/openapi-check.ts'
import { MemoryModels } from './memory-models.ts'
import { loadedFleet } from './loaded-fleet.ts'
import { putBackNothing } from './put-back.ts'
import { MemoryFleet } from './memory-fleet.ts'

const WHOLE_PARTITIONS = 2

/** 12:00 UTC of a day. */
export const WHOLE_NOW_MS = Date.UTC(2026, 1, 20, 12)

const HEARTBEAT: InboxHeartbeat = {
  node_id: '',
  heartbeat_hash: Buffer.alloc(8),
  sent_at: WHOLE_NOW_MS,
  by_admin: false,
  tier: null,
  profile: null,
  operator_id: null,
  software_version: null,
  agent_count: null,
  post_count: null,
  ad_impressions: 0,
}

interface Request {
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
}

/** Every route of the reader with the settler's real decisions, in memory. */
export interface WholeReader extends AsyncDisposable {
  readonly app: ReaderApp
  readonly accounts: Accounts
  readonly settler: MemorySettler
  readonly document: OpenApiDocument
  /** Sends a request; every answer is checked against the published document. */
  ask(method: string, url: string, request?: Request): Promise<WholeAnswer>
  heartbeat(nodeId: string, fields?: Partial<InboxHeartbeat>): Promise<void>
  /** Log time reaches every partition, as the aggregator's ticks bring it there. */
  tick(): Promise<void>
  /** A cost as the aggregator hands it over, with the operator that its event names. */
  cost(nodeId: string, nanoUsd: number, fields?: Partial<Cost>, operatorId?: string): Promise<void>
}

export interface WholeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
}

export async function startWholeReader(
  options: {
    readonly rules?: Partial<AccountRules>
    readonly access?: Access
    readonly audit?: AuditSink
    readonly corsOrigins?: readonly string[]
    /** Without it ClickHouse is away. */
    readonly clickhouse?: ClickhouseClient
    readonly models?: MemoryModels
    /** The inventories; empty without it. */
    readonly inventories?: MemoryFleet
    readonly fleetNodes?: FleetNodes
    readonly clock?: Clock
    readonly partitions?: number
    /** Log time at the start. */
    readonly nowMs?: number
    /** The contents of node.state at the start. */
    readonly held?: readonly StateRecord[]
    /** Gets every write to node.state, and first its contents. */
    readonly onState?: (record: StateRecord) => void
  } = {},
): Promise<WholeReader> {
  const { access = { mode: 'off' }, clock = systemClock } = options
  const { partitions = WHOLE_PARTITIONS, nowMs = WHOLE_NOW_MS, held } = options
  const { inventories = new MemoryFleet(nowMs) } = options
  const accounts = new Accounts(partitions)
  const rules = { ...RULES_DEFAULT, version: 1, ...options.rules }
  const onState = (record: StateRecord) => {
    accounts.apply(record)
    options.onState?.(record)
    see(record)
  }
  let see: (record: StateRecord) => void = () => {}
  const settler = new MemorySettler(partitions, rules, nowMs, onState, held)
  const inbox = new SharedAppend(settler, clock)
  const commands = new Commands({ inbox, partitions, clock, random: systemRandom })
  see = (record) => commands.see(record)
  await settler.start()
  const clickhouse = options.clickhouse ?? clickhouseAway()
  const app = await buildReader({
    putBack: putBackNothing(),
    inventory: inventories.inventory,
    inventoryCommands: inventories.inventoryCommands,
    models: options.models ?? new MemoryModels(),
    accounts,
    access,
    ...(options.audit && { audit: options.audit }),
    corsOrigins: options.corsOrigins ?? [],
    commands,
    table: { loaded: true, reach: async () => true },
    fleet: loadedFleet(partitions, options.fleetNodes),
    clickhouse,
    topics: topicNames(''),
    partitions,
    cursorKey: Buffer.alloc(32, 1),
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    ops: opsRoutes({
      readiness: () => ({ waitingFor: [], halted: [] }),
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => '# Nothing is measured.\n' },
    }),
  })
  const document = (await app.inject('/openapi.json')).json<OpenApiDocument>()
  return {
    app,
    accounts,
    settler,
    document,
    ask: asker(app, document),
    ...feeding(settler),
    [Symbol.asyncDispose]: async () => {
      await app.close()
      await clickhouse.close()
    },
  }
}

/** Sends a request to the app, and checks every answer against its document. */
function asker(app: ReaderApp, document: OpenApiDocument): WholeReader['ask'] {
  return async (method, url, { body, headers = {} } = {}) => {
    const payload = typeof body === 'object' ? JSON.stringify(body) : body
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    const contentType = String(response.headers['content-type'])
    const { statusCode } = response
    if (statusCode !== 204 && statusCode !== 304)
      assertDocumented(document, {
        method: method.toLowerCase(),
        url,
        statusCode,
        contentType,
        headers: response.headers,
        body: response.body,
      })
    return {
      status: statusCode,
      headers: response.headers,
      body: contentType.includes('json') ? response.json<Record<string, unknown>>() : {},
    }
  }
}

/** What the log brings apart from commands. */
function feeding(settler: MemorySettler): Pick<WholeReader, 'heartbeat' | 'tick' | 'cost'> {
  const handed = Array.from({ length: WHOLE_PARTITIONS }, () => 0)
  const append = async (nodeId: string, value: Buffer): Promise<void> => {
    await settler.append([{ partition: partitionOfNode(nodeId, WHOLE_PARTITIONS), key: nodeId, value }])
  }
  return {
    heartbeat: async (nodeId, fields = {}) => {
      const heartbeat_hash = systemRandom.bytes(8)
      await append(
        nodeId,
        inboxHeartbeatCodec.encode({ ...HEARTBEAT, node_id: nodeId, heartbeat_hash, ...fields }),
      )
    },
    tick: async () => {
      for (let partition = 0; partition < WHOLE_PARTITIONS; partition++)
        await settler.append([tickFor(partition, 'test')])
    },
    cost: async (nodeId, nanoUsd, fields = {}, operatorId) => {
      const partition = partitionOfNode(nodeId, WHOLE_PARTITIONS)
      const from = handed[partition] ?? 0
      handed[partition] = from + 1
      const occurred_at = settler.nowMs
      const operator_id = operatorId ?? null
      const entry = { node_id: nodeId, operator_id, cost: cost(nanoUsd, { occurred_at, ...fields }) }
      await append(nodeId, inboxUsage(from, from + 1, { entries: [entry], sums: [nodeSum(nodeId)] }))
    },
  }
}
