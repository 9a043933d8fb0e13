import { noFailpoint } from '../../pipelines/failpoints.ts'
import type { KafkaOptions } from '../../pipelines/kafka/kafkajs/client.ts'
import type { TopicAppend } from '../../pipelines/log/records.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { fenceCodec, modelsTableCodec, STATE_KEY } from '../../schemas/avro.ts'
import type { ModelTable } from '../../schemas/model-table.ts'
import { MODEL_VERSIONS_KEPT, MODELS_VERSION } from '../../schemas/models.ts'
import type { ModelRow } from '../../schemas/models.ts'
import { MODELS_WRITER } from '../../schemas/rights.ts'

/** A table that a caller wants in force. */
export interface TableRequest {
  readonly rows: readonly ModelRow[]
  readonly writtenBy: string
  /** Versions that may be in force now; null for any. */
  readonly expected: readonly number[] | null
}

/**
 * The outcome: `version` is in force. `same`: the same rows were in force already; `stale`: the version in force is none
 * of those that were expected.
 */
export interface WriteOutcome {
  readonly become: 'written' | 'same' | 'stale'
  readonly version: number
}

/** The log did not take it, or did not confirm that it took it. */
export class ModelsNotWritten extends Error {
  /** False where it is certain that nothing was written. */
  readonly isUnknown: boolean

  constructor(message: string, isUnknown: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isUnknown = isUnknown
  }
}

/**
 * What is to be written while `newest` is in force. A second request for the same rows changes nothing, whatever was
 * expected.
 */
export function decideWrite(newest: ModelTable, { rows, expected }: TableRequest): WriteOutcome {
  const { version } = newest
  // Version 1 is judged by exact names alone: the same rows mean something else in a later version.
  if (version > MODELS_VERSION && haveSame(newest.rows, rows)) return { become: 'same', version }
  if (expected !== null && !expected.includes(version)) return { become: 'stale', version }
  return { become: 'written', version: version + 1 }
}

function haveSame(left: readonly ModelRow[], right: readonly ModelRow[]): boolean {
  if (left.length !== right.length) return false
  const known = new Map(left.map((row) => [row.pattern, row]))
  return right.every(({ pattern, paid_api, tdp_watts }) => {
    const row = known.get(pattern)
    return row?.paid_api === paid_api && row.tdp_watts === tdp_watts
  })
}

/** The records of one written version: the version, and a delete of the one that is no longer among those that are kept. */
export function versionRecords(
  topic: string,
  version: number,
  { rows, writtenBy }: TableRequest,
): readonly TopicAppend[] {
  const at = { topic, partition: 0 }
  const value = modelsTableCodec.encode({ version, written_by: writtenBy, rows })
  const written = { ...at, key: String(version), value }
  const forgotten = version - MODEL_VERSIONS_KEPT
  return forgotten > MODELS_VERSION ? [written, { ...at, key: String(forgotten), value: null }] : [written]
}

export interface WriteModelsParts {
  readonly kafka: KafkaOptions
  readonly topicPrefix: string
  readonly topic: string
  /** Names the process that fences, for people who read the topic. */
  readonly instance: string
  /** The newest table as of this offset, which is that of a record just written. */
  readonly newestThrough: (offset: bigint) => Promise<ModelTable>
}

/**
 * Writes a version of the table. Fences out every other writer first, then reads what is in force up to that fence: a
 * writer that has read less than the newest can no longer commit, so that no version is ever written twice.
 */
export async function writeModels(parts: WriteModelsParts, request: TableRequest): Promise<WriteOutcome> {
  const { kafka, topicPrefix, topic, instance, newestThrough } = parts
  const writer = new TransactionalWriter({
    ...kafka,
    transactionalId: `${topicPrefix}${MODELS_WRITER}`,
    failpoint: noFailpoint,
  })
  let isUnknown = false
  try {
    const value = fenceCodec.encode({ instance })
    const [fence] = await writer.commit([{ topic, partition: 0, key: STATE_KEY.fence, value }])
    if (fence === undefined) throw new Error('The fence has no offset.')
    const outcome = decideWrite(await newestThrough(fence), request)
    if (outcome.become !== 'written') return outcome
    isUnknown = true
    await writer.commit(versionRecords(topic, outcome.version, request))
    return outcome
  } catch (error) {
    throw new ModelsNotWritten('The log did not take the table of models.', isUnknown, { cause: error })
  } finally {
    await writer.close()
  }
}
