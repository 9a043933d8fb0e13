/** What the two stores contain before an installation is given its id. */
export interface StoresFound {
  readonly kafkaId: string | null
  readonly clickhouseIds: readonly string[]
  /** Whether any task ever committed a transaction. */
  readonly hasTasks: boolean
  /** Whether anything was ever loaded. */
  readonly hasRows: boolean
  /** Whether the log still holds every block, from number 1 on. */
  readonly hasEveryBlock: boolean
}

export type InstallationDecision =
  /** Both stores name the id, or are given it: `id` null is a new one. */
  | {
      readonly do: 'name'
      readonly id: string | null
      readonly inKafka: boolean
      readonly inClickhouse: boolean
    }
  | { readonly do: 'refuse'; readonly reason: string }

/**
 * Which id the installation gets, and into which store it must be written. A store that is empty while the other is not
 * gets none, unless the log can fill it: otherwise numbers would be used twice, or history would begin in the middle,
 * without any message.
 */
export function decideInstallation(found: StoresFound): InstallationDecision {
  const { kafkaId, clickhouseIds, hasTasks, hasRows, hasEveryBlock } = found
  const [clickhouseId, second] = clickhouseIds
  if (second !== undefined)
    return refuse(
      `ClickHouse names ${clickhouseIds.length} installations (${clickhouseIds.join(', ')}). ${ONE_COPY}`,
    )
  if (kafkaId !== null && clickhouseId !== undefined && kafkaId !== clickhouseId) {
    return refuse(differentIds(kafkaId, clickhouseId))
  }
  if (!hasTasks && hasRows) {
    return refuse(
      `Kafka is empty and ClickHouse is not: block numbers would begin anew and be taken for loaded. ${ONE_COPY} ` +
        'To begin anew, set HIVEMETER_CLICKHOUSE_DATABASE to a new name.',
    )
  }
  if (hasTasks && !hasRows && !hasEveryBlock) {
    return refuse(
      `ClickHouse is empty, and the log no longer holds every block. Put ClickHouse's newest copy back ` +
        '(docs/backup.md); the loader then loads what came after it.',
    )
  }
  return {
    do: 'name',
    id: kafkaId ?? clickhouseId ?? null,
    inKafka: kafkaId === null,
    inClickhouse: clickhouseId === undefined,
  }
}

const ONE_COPY =
  'Put back copies of Kafka and ClickHouse that belong together (docs/backup.md), Kafka as the newer one.'

/** What is wrong and what to do, where Kafka and ClickHouse name two installations. */
export function differentIds(kafkaId: string, clickhouseId: string): string {
  return (
    `Kafka belongs to installation ${kafkaId}, ClickHouse to ${clickhouseId}. See whether HIVEMETER_KAFKA_BROKERS, ` +
    'HIVEMETER_TOPIC_PREFIX, HIVEMETER_CLICKHOUSE_URL and HIVEMETER_CLICKHOUSE_DATABASE name what belongs together ' +
    '(docs/backup.md).'
  )
}

function refuse(reason: string): InstallationDecision {
  return { do: 'refuse', reason }
}
