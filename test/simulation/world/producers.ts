import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import type { Failpoint } from '../../../pipelines/failpoints.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { TransactionalWriter } from '../../../pipelines/kafka/transaction.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { SimProcess } from './process.ts'
import type { World } from './world.ts'

/** No field of it is used: wire and clock are given. */
const NOT_CONNECTED = {
  brokers: [],
  clientId: 'simulation',
  logger: silentLogger,
  clock: systemClock,
  random: systemRandom,
}

/** The product's transactional writer, over the cluster in memory. */
export function openWriter(
  world: World,
  process: SimProcess,
  transactionalId: string,
  failpoint: Failpoint,
): TransactionalWriter {
  const options = { ...NOT_CONNECTED, transactionalId, failpoint }
  return new TransactionalWriter(options, { openWire: () => world.wire(process), clock: process.clock })
}

/** The product's producer of one topic without transactions, over the cluster in memory. */
export function openProducer(world: World, process: SimProcess, topic: string): IdempotentProducer {
  const options = { ...NOT_CONNECTED, topic, metrics: noMetrics }
  return new IdempotentProducer(options, { openWire: () => world.wire(process), clock: process.clock })
}
