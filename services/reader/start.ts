import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { CompactedTable } from '../../pipelines/kafka/kafkajs/table.ts'
import { VERSION } from '../../schemas/version.ts'
import { clickhouseOf, tablesMisfit } from '../runtime/clickhouse.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { followAccess } from '../access/follow-keys.ts'
import { originsOf } from '../http/cors.ts'
import { listen } from '../http/listen.ts'
import { checkInstallation } from '../runtime/installation.ts'
import { CURSOR_KEY, ID_KEY, readKeyFile } from '../runtime/key-file.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { RunningService } from '../runtime/process.ts'
import { FollowedModels } from '../models/follow-models.ts'
import { Accounts } from './present/accounts.ts'
import { FleetNodes, PresentFleet } from './present/fleet-nodes.ts'
import { buildReader } from './app.ts'
import { Commands } from './commands.ts'
import { FollowedStates, stateRows } from './followed-states.ts'
import type { StateRow } from './followed-states.ts'
import { InventoryCommands } from './fleet/inventory-commands.ts'
import { InventoryPresent } from './fleet/inventory-present.ts'
import { HISTORY_RUNNING_MAX } from './history/history.ts'
import { PutBack } from './put-back.ts'

/** Bytes of the group id of each table: no other table has the same, so that each follows all partitions. */
const GROUP_ID_BYTES = 8

const CLIENT_ID = `hivemeter-reader/${VERSION}`

/** States and ClickHouse → the reader's routes. It listens at once; /readyz reports whether the states are loaded. */
export async function startReader(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, clock, metrics, leaving, ops } = parts
  const { topics } = layout
  const cursorKey = readKeyFile(CURSOR_KEY, config.cursorKeyFile)
  const accounts = new Accounts(layout.partitions)
  const fleetNodes = new FleetNodes(layout.partitions)
  const { commands, audit } = openInbox(parts)
  const putBack = openPutBack(parts)
  const inventory = new InventoryPresent(layout.partitions)
  const inventoryCommands = openFleetInbox(parts)
  const rows = stateRows({ accounts, fleetNodes, commands, inventory, inventoryCommands, metrics })
  const states = new FollowedStates(rows, tableOf(parts))
  inventory.follow(states.table('fleetState'))
  const clickhouse = clickhouseOf(config, { connectionsMax: HISTORY_RUNNING_MAX })
  await using undo = new AsyncDisposableStack()
  undo.defer(() => clickhouse.close())
  await checkInstallation({ config, logger, client: clickhouse, clientId: CLIENT_ID })
  const followed = await followAccess(parts, 'reader')
  undo.defer(() => followed.stop())
  const models = new FollowedModels(parts, 'reader')
  undo.defer(() => models.stop())
  const app = await buildReader({
    audit,
    access: followed.access,
    corsOrigins: originsOf(config.corsOrigins),
    accounts,
    table: states.table('nodeState'),
    fleet: new PresentFleet({ nodes: fleetNodes, table: states.table('fleetState') }),
    clickhouse,
    commands,
    putBack,
    models,
    inventory,
    inventoryCommands,
    topics,
    before: layout.before,
    begin: layout.begin,
    partitions: layout.partitions,
    cursorKey,
    clock,
    logger,
    metrics,
    leaving,
    ops,
  })
  undo.defer(() => app.close())
  await listen(app, { host: config.readerHost, port: config.readerPort, key: 'readerPort' })
  undo.defer(() => states.stop())
  undo.defer(() => commands.stop())
  undo.defer(() => inventoryCommands.stop())
  // Stopped before the producer that it shares with the commands.
  undo.defer(() => audit.stop())
  audit.start()
  undo.defer(() => putBack.stop())
  states.start()
  const running = undo.move()
  return {
    readiness: () => readinessOf([states, followed, models], [followed, models]),
    stop: () => running.disposeAsync(),
    failed: Promise.race([tablesMisfit(clickhouse, parts), states.failed, followed.failed, models.failed]),
  }
}

/** What it waits for, and what a person should check. */
function readinessOf(
  waiting: readonly Pick<FollowedModels, 'waitingFor'>[],
  noting: readonly Pick<FollowedModels, 'notes'>[],
): ReturnType<RunningService['readiness']> {
  return {
    waitingFor: waiting.flatMap((one) => one.waitingFor()),
    halted: [],
    notes: noting.flatMap((one) => one.notes()),
  }
}

/** Makes the table that follows a state, over Kafka. */
function tableOf({ config, layout, logger, clock, random }: LayoutParts): (row: StateRow) => CompactedTable {
  return ({ topic, onRecord }) =>
    new CompactedTable({
      ...kafkaOf(config, CLIENT_ID, logger),
      clock,
      topic: layout.topics[topic],
      groupId: `${config.topicPrefix}reader-${random.bytes(GROUP_ID_BYTES).toString('hex')}`,
      partitions: layout.partitions,
      onRecord,
    })
}

/** What the reader writes to account.inbox, over one producer: commands, and the callers that it refused. */
function openInbox({ config, layout, logger, clock, metrics, random }: LayoutParts): {
  readonly commands: Commands
  readonly audit: AuditLog
} {
  const { partitions, topics } = layout
  const kafka = kafkaOf(config, CLIENT_ID, logger)
  const producer = new IdempotentProducer({ ...kafka, metrics, topic: topics.accountInbox })
  const inbox = new SharedAppend(producer, clock)
  return {
    commands: new Commands({ inbox, partitions, clock, random }),
    audit: new AuditLog({ inbox, partitions, clock, random, metrics, logger }),
  }
}

/** What the reader writes to fleet.inbox: changes of inventories. */
function openFleetInbox({ config, layout, logger, clock, metrics, random }: LayoutParts): InventoryCommands {
  const { partitions, topics } = layout
  const kafka = kafkaOf(config, CLIENT_ID, logger)
  const producer = new IdempotentProducer({ ...kafka, metrics, topic: topics.fleetInbox })
  return new InventoryCommands({ inbox: new SharedAppend(producer, clock), partitions, clock, random })
}

/** Puts events back that were set aside; the key proves their receipts. */
function openPutBack({ config, layout, logger, metrics }: LayoutParts): PutBack {
  const kafka = kafkaOf(config, CLIENT_ID, logger)
  const { usageMetered: topic } = layout.topics
  return new PutBack({
    producer: new IdempotentProducer({ ...kafka, metrics, topic }),
    meteredTopic: topic,
    meteredTopics: new Set([topic, ...layout.before.map((version) => version.topics.usageMetered)]),
    partitions: layout.partitions,
    idKey: readKeyFile(ID_KEY, config.idKeyFile),
  })
}
