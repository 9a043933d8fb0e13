import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { followAccess } from '../access/follow-keys.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { originsOf } from '../http/cors.ts'
import { listen } from '../http/listen.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import type { RunningService } from '../runtime/process.ts'
import { createGatewayApp } from './app.ts'
import { fleetQueue } from './fleet/fleet-queue.ts'
import { FleetTicks } from './fleet/ticks.ts'
import type { QueueState } from './queue/record-queue.ts'
import { usageQueue } from './usage/usage-queue.ts'

/** HTTP → usage.metered, account.inbox, fleet.inbox. */
export async function startGateway(parts: LayoutParts): Promise<RunningService> {
  const { config, layout, logger, metrics, clock, random, leaving, ops } = parts
  const { kafkaBrokers } = config
  const { partitions } = layout
  const topic = layout.topics.usageMetered
  const kafka = kafkaOf(config, 'hivemeter-gateway', logger)
  await using undo = new AsyncDisposableStack()
  const followed = await followAccess(parts, 'gateway')
  undo.defer(() => followed.stop())
  const { access } = followed
  const inbox = new SharedAppend(
    new IdempotentProducer({ ...kafka, topic: layout.topics.accountInbox, metrics }),
    clock,
  )
  undo.defer(() => inbox.stop())
  const producer = new IdempotentProducer({ ...kafka, topic, metrics })
  const queue = usageQueue({ producer, partitions, clock, logger, metrics })
  const fleetTopic = layout.topics.fleetInbox
  const fleetProducer = new IdempotentProducer({ ...kafka, topic: fleetTopic, metrics })
  const fleet = fleetQueue({ producer: fleetProducer, partitions, clock, logger, metrics })
  const ticks = new FleetTicks({ queue: fleet, partitions, clock, metrics })
  const audit = new AuditLog({ inbox, partitions, clock, random, metrics, logger })
  undo.defer(async () => {
    await Promise.all([queue.stop(), fleet.stop(), audit.stop()])
  })
  const app = await createGatewayApp({
    queue,
    fleet,
    inbox,
    partitions,
    topic,
    access,
    audit,
    corsOrigins: originsOf(config.corsOrigins),
    logger,
    metrics,
    clock,
    leaving,
    ops,
  })
  queue.start()
  fleet.start()
  ticks.start()
  audit.start()
  undo.defer(async () => {
    ticks.stop()
    queue.refuseMore()
    fleet.refuseMore()
    await app.close()
  })
  await listen(app, { host: config.gatewayHost, port: config.gatewayPort, key: 'gatewayPort' })
  const running = undo.move()
  const awaitedBy = (state: QueueState, topicName: string): string[] =>
    state === 'taking' ? [] : [`Kafka at ${kafkaBrokers.join(', ')} to take a record of ${topicName}`]

  return {
    readiness: () => ({
      waitingFor: [
        ...awaitedBy(queue.state, topic),
        ...awaitedBy(fleet.state, fleetTopic),
        ...followed.waitingFor(),
      ],
      halted: [],
      notes: followed.notes(),
    }),
    failed: Promise.race([queue.failed, fleet.failed, followed.failed]),
    stop: () => running.disposeAsync(),
  }
}
