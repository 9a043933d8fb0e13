import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import PQueue from 'p-queue'
import { systemClock } from '../../../pipelines/clock.ts'
import { RULES_DEFAULT } from '../../../pipelines/account/rules.ts'
import { SharedAppend } from '../../../pipelines/log/shared-append.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { KeyRing } from '../../../services/access/key-ring.ts'
import { createGatewayApp } from '../../../services/gateway/app.ts'
import { MemoryLog } from '../../../services/gateway/fixtures.ts'
import { fleetQueue } from '../../../services/gateway/fleet/fleet-queue.ts'
import { usageQueue } from '../../../services/gateway/usage/usage-queue.ts'
import { opsRoutes } from '../../../services/http/ops.ts'
import { createMetrics } from '../../../services/runtime/metrics.ts'
import { Accounts } from '../../../services/reader/present/accounts.ts'
import type { StateRecord } from '../../../services/reader/present/accounts.ts'
import { buildReader } from '../../../services/reader/app.ts'
import { Commands } from '../../../services/reader/commands.ts'
import { accessBy, addKey } from '../../support/records/access-keys.ts'
import { fakeClickhouse } from '../../support/servers/clickhouse.ts'
import { MemorySettler } from '../../support/memory/memory-settler.ts'
import { account, accountRecord, taskRecord } from '../../support/records/state-records.ts'
import type { ServerSpec } from './messages.ts'
import { MemoryModels } from '../../support/memory/memory-models.ts'
import { putBackNothing } from '../../support/memory/put-back.ts'
import { noInventories } from '../../support/memory/no-inventories.ts'
import { loadedFleet } from '../../support/memory/loaded-fleet.ts'

/**
 * The gateway's and the reader's own apps with access by key, over stores that cost this machine nothing: clients compete
 * here for room and turns in these two, and not for the speed of Kafka or ClickHouse.
 */

const PARTITIONS = 4

/** The time of a query of the history, and the number that a ClickHouse of that size answers at once. */
const QUERY_MS = 20
const QUERIES_AT_ONCE = 32

/** The log drops what it took, so that a long run needs no memory. */
const FORGET_MS = 200

const keys = new KeyRing()
const access = accessBy(keys, { requestsPerSecondMax: 20_000 })

function key(client: string, scopes: readonly string[]): string {
  return addKey(keys, { client, scopes: [...scopes], nodes: [client] })
}

function opsOf(name: 'gateway' | 'reader') {
  const metrics = createMetrics(name)
  const readiness = () => ({ waitingFor: [], halted: [] })
  return { metrics, ops: opsRoutes({ readiness, metrics, clock: systemClock }) }
}

async function startGateway(): Promise<string> {
  const { metrics, ops } = opsOf('gateway')
  const common = { partitions: PARTITIONS, clock: systemClock, logger: silentLogger, metrics }
  const [log, inboxLog] = [new MemoryLog(systemClock), new MemoryLog(systemClock)]
  const queue = usageQueue({ ...common, producer: log })
  const inbox = new SharedAppend(inboxLog, systemClock)
  const fleet = fleetQueue({ ...common, producer: new MemoryLog(systemClock) })
  const app = await createGatewayApp({ ...common, topic: 'usage.metered', queue, fleet, inbox, access, ops })
  queue.start()
  await app.listen({ host: '127.0.0.1', port: 0 })
  setInterval(() => {
    log.records.length = 0
    inboxLog.records.length = 0
  }, FORGET_MS)
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

/** The settler's own decisions on an inbox in memory; the results reach the reader at once. */
async function startSettler(accounts: Accounts): Promise<Commands> {
  const nowMs = systemClock.nowMs()
  const tasks = Array.from({ length: PARTITIONS }, (_, partition) => taskRecord(partition, nowMs))
  const nodes = ['good', 'greedy', 'early'].map((node_id) =>
    accountRecord(partitionOfNode(node_id, PARTITIONS), account({ node_id, operators: ['op'] })),
  )
  let see: Commands['see'] = () => {}
  const onState = (record: StateRecord): void => {
    accounts.apply(record)
    see(record)
  }
  const settler = new MemorySettler(PARTITIONS, RULES_DEFAULT, nowMs, onState, [...tasks, ...nodes])
  await settler.start()
  const inbox = new SharedAppend(settler, systemClock)
  const commands = new Commands({ inbox, partitions: PARTITIONS, clock: systemClock, random: systemRandom })
  see = (record) => commands.see(record)
  return commands
}

async function startReader(): Promise<string> {
  const { metrics, ops } = opsOf('reader')
  const accounts = new Accounts(PARTITIONS)
  const commands = await startSettler(accounts)
  const queries = new PQueue({ concurrency: QUERIES_AT_ONCE })
  const clickhouse = fakeClickhouse({
    rows: async () => {
      await queries.add(() => delay(QUERY_MS))
      return []
    },
  })
  const app = await buildReader({
    putBack: putBackNothing(),
    ...noInventories(),
    models: new MemoryModels(),
    access,
    accounts,
    commands,
    table: { loaded: true, reach: async () => true },
    fleet: loadedFleet(PARTITIONS),
    clickhouse,
    topics: topicNames(''),
    partitions: PARTITIONS,
    cursorKey: systemRandom.bytes(32),
    clock: systemClock,
    logger: silentLogger,
    metrics,
    ops,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

process.on('disconnect', () => process.exit(0))
const [gatewayUrl, readerUrl] = await Promise.all([startGateway(), startReader()])
const spec: ServerSpec = {
  gatewayUrl,
  readerUrl,
  goodKey: key('good', ['events:write', 'usage:read']),
  greedyKey: key('greedy', ['events:write', 'usage:read', 'settings:write']),
  greedyNode: 'greedy',
  earlyKey: key('early', ['events:write', 'usage:read', 'settings:write']),
  earlyNode: 'early',
  adminKey: key('admin', ['admin']),
}
process.send?.(spec)
