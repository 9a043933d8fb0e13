import { systemClock } from '../../pipelines/clock.ts'
import { ensureTopics, isUnreachable, withAdmin } from '../../pipelines/kafka/admin.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { Config } from '../config.ts'
import { kafkaOf } from '../kafka.ts'
import { EXIT, ExitError, describeError } from '../exit.ts'

const CLIENT_ID = 'hivemeter-migrate'

/** Makes the topics that are missing and returns their names. Exit 69 where Kafka is away, 78 for other partition counts. */
export async function makeTopics(config: Config): Promise<readonly string[]> {
  const { created } = await reach(config, () =>
    ensureTopics({
      ...kafkaOf(config, CLIENT_ID, silentLogger),
      clock: systemClock,
      prefix: config.topicPrefix,
      partitions: config.partitions,
      replicationFactor: config.replicationFactor,
      retention: config.topicRetention,
    }),
  )
  return created
}

/** The topics that `makeTopics` would make. */
export async function missingTopics(config: Config): Promise<readonly string[]> {
  const options = kafkaOf(config, CLIENT_ID, silentLogger)
  const present = new Set(
    await reach(config, () => withAdmin(options, async (admin) => await admin.listTopics())),
  )
  return Object.values(topicNames(config.topicPrefix)).filter((name) => !present.has(name))
}

async function reach<T>(config: Config, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'PARTITION_COUNT') {
      throw new ExitError(EXIT.configuration, error.message, { cause: error })
    }
    if (!isUnreachable(error)) throw error
    throw new ExitError(
      EXIT.unreachable,
      `Kafka at ${config.kafkaBrokers.join(', ')} cannot be reached: ${describeError(error)}. Start it, or set HIVEMETER_KAFKA_BROKERS.`,
      { cause: error },
    )
  }
}
