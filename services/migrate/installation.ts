import {
  insertInstallation,
  installationIds,
  isAnythingLoaded,
} from '../../pipelines/clickhouse/queries/installation.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import type { Clock } from '../../pipelines/clock.ts'
import { readInstallation, writeInstallation } from '../../pipelines/kafka/installation.ts'
import { readRanges } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { formatUuid } from '../../schemas/ids.ts'
import { blockTopics, topicNames } from '../../schemas/topics.ts'
import type { Config } from '../runtime/config.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { installationPlace } from '../runtime/installation.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { decideInstallation } from './decide-installation.ts'

const UUID_BYTES = 16

export interface NameParts {
  readonly config: Config
  readonly database: ClickhouseClient
  readonly clock: Clock
  readonly random: Random
  /** Topics that were made a moment ago: they are empty, and their brokers may not yet know that they lead them. */
  readonly newTopics: ReadonlySet<string>
}

/** The installation's id after `nameInstallation`, and whether it was made now. */
export interface NamedInstallation {
  readonly id: string
  readonly made: boolean
}

/**
 * Gives the installation its id, a random UUID that is kept in Kafka and in ClickHouse, and completes what an interrupted
 * run left undone. ClickHouse is written first; the caller's lock prevents two runs at a time. Exit 78 where the stores
 * do not belong together; nothing is written then.
 */
export async function nameInstallation(parts: NameParts): Promise<NamedInstallation> {
  const { config, database, clock, random, newTopics } = parts
  const topics = topicNames(config.topicPrefix)
  const kafka = kafkaOf(config, 'hivemeter-migrate', silentLogger)
  const topic = topics.installation
  const inKafka = newTopics.has(topic)
    ? null
    : await readInstallation({ ...kafka, ...installationPlace(config.topicPrefix) })
  const rangesOf = async (name: string) =>
    newTopics.has(name) ? [] : [...(await readRanges({ ...kafka, topic: name })).values()]
  const states = [await rangesOf(topics.usageIds), await rangesOf(topics.nodeState)].flat()
  const blocks = (await Promise.all(blockTopics(topics).map(rangesOf))).flat()
  const decision = decideInstallation({
    kafkaId: inKafka?.installation_id ?? null,
    clickhouseIds: await installationIds(database),
    hasTasks: states.some(({ end }) => end > 0n),
    hasRows: await isAnythingLoaded(database),
    hasEveryBlock: blocks.every(({ start }) => start === 0n),
  })
  if (decision.do === 'refuse') throw new ExitError(EXIT.configuration, decision.reason)
  const installation = {
    installation_id: decision.id ?? formatUuid(random.bytes(UUID_BYTES)),
    made_at: clock.nowMs(),
  }
  if (decision.inClickhouse) await insertInstallation(database, installation)
  if (decision.inKafka) await writeInstallation({ ...kafka, topic }, installation)
  return { id: installation.installation_id, made: decision.id === null }
}
