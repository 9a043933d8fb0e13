import { readFileSync } from 'node:fs'
import { readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { ModelTable } from '../../schemas/model-table.ts'
import { MODELS_BYTES_MAX, MODELS_VERSION } from '../../schemas/models.ts'
import { SEED_ROWS } from '../../schemas/models-seed.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { Config } from '../runtime/config.ts'
import { EXIT, ExitError, describeError } from '../runtime/exit.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { KnownModels } from '../models/known-models.ts'
import { parseModels } from '../models/parse-models.ts'
import { ModelsNotWritten, writeModels } from '../models/write-models.ts'
import type { TableRequest, WriteOutcome } from '../models/write-models.ts'
import { reach } from './topics.ts'

const CLIENT_ID = 'hivemeter-migrate'
const WRITTEN_BY = 'migrate'
const LEFT = 'Table of models: left as it is.'

/**
 * Gives a new installation its first table of models; returns what was done in words. An installation in which a task has
 * ever worked keeps what it has: the compiled table, until an admin replaces it.
 */
export async function seedModels(config: Config, newTopics: ReadonlySet<string>): Promise<string> {
  const topics = topicNames(config.topicPrefix)
  const isUsed = !newTopics.has(topics.usageIds) && (await hasRecords(config, topics.usageIds))
  if (isUsed) return LEFT
  const expected = [MODELS_VERSION]
  const { become, version } = await write(config, { rows: SEED_ROWS, writtenBy: WRITTEN_BY, expected })
  return become === 'written' ? `Table of models: version ${version}, ${SEED_ROWS.length} rows.` : LEFT
}

/** Puts the table of a file in force. Exit 2 where the file holds no table. */
export async function putModels(config: Config, file: string, say: (line: string) => void): Promise<void> {
  const { rows } = readModels(file)
  const { become, version } = await write(config, { rows, writtenBy: WRITTEN_BY, expected: null })
  say(
    become === 'same'
      ? `Table of models: version ${version} is so already.`
      : `Table of models: version ${version}, ${rows.length} rows.`,
  )
}

function readModels(file: string): Pick<TableRequest, 'rows'> {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new ExitError(EXIT.usage, `${file} cannot be read: ${describeError(error)}.`)
  }
  const parsed = parseModels(bytes.subarray(0, MODELS_BYTES_MAX + 1))
  if (!('errors' in parsed)) return parsed
  const lines = parsed.errors.map(({ path, message }) => `${path}: ${message}`)
  throw new ExitError(EXIT.usage, [`${file} is no table of models.`, ...lines].join('\n'))
}

async function hasRecords(config: Config, topic: string): Promise<boolean> {
  const ranges = await readRanges({ ...kafkaOf(config, CLIENT_ID, silentLogger), topic })
  return [...ranges.values()].some(({ end }) => end > 0n)
}

async function write(config: Config, request: TableRequest): Promise<WriteOutcome> {
  const kafka = kafkaOf(config, CLIENT_ID, silentLogger)
  const { topicPrefix } = config
  const topic = topicNames(topicPrefix).models
  const newestThrough = async (offset: bigint): Promise<ModelTable> => {
    const known = new KnownModels()
    // There is nothing before the very first record.
    if (offset === 0n) return known.newest.table
    const reading = { topic, partition: 0, groupBase: `${topicPrefix}models`, to: offset }
    for await (const records of readPartition({ ...kafka, ...reading }))
      for (const record of records) known.apply(record)
    return known.newest.table
  }
  try {
    return await reach(config, () =>
      writeModels({ kafka, topicPrefix, topic, instance: WRITTEN_BY, newestThrough }, request),
    )
  } catch (error) {
    if (!(error instanceof ModelsNotWritten)) throw error
    throw new ExitError(
      EXIT.unreachable,
      `${error.message} ${describeError(error.cause)} Run it again: the same table again changes nothing.`,
      { cause: error },
    )
  }
}
