import { systemClock } from '../../../pipelines/clock.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import { nodesOf } from '../../support/records/produce.ts'
import { until } from '../../support/until.ts'
import type { EventStream } from './event-stream.ts'
import type { Fleet } from '../harness/fleet.ts'
import type { Load } from './load.ts'

/** The longest recovery: beyond it the run fails. */
const RECOVERY_MS_MAX = 180_000

/**
 * Sends one paid event for each partition; resolves when all of them are rows and decided costs in ClickHouse. Throws
 * where that takes longer than a recovery may.
 */
export async function recover(fleet: Fleet, load: Load, stream: EventStream): Promise<void> {
  const { partitions } = fleet.installation
  const events = Array.from({ length: partitions }, (_, partition) => {
    const [node = ''] = nodesOf(partition, partitions, 1)
    return stream.fresh(node, {
      task_source: 'hive',
      cost_nano_usd: 1_000_000,
      occurred_at: systemClock.nowMs(),
    })
  })
  await until(
    'Kafka to take the probe',
    RECOVERY_MS_MAX,
    async () => (await load.sendToKafka(events)) === 'accepted',
  )
  const ids = events.map(({ event_id }) => formatUuid(event_id))
  let state = ''
  await until(
    'a probe of every partition to be counted and decided',
    RECOVERY_MS_MAX,
    async () => {
      try {
        const found = await fleet.installation.row<{ rows: string; decisions: string }>(
          `SELECT (SELECT count() FROM usage_events WHERE event_id IN ('${ids.join("','")}')) AS rows,
                  (SELECT count() FROM cost_decisions WHERE event_id IN ('${ids.join("','")}')) AS decisions`,
        )
        state = JSON.stringify(found)
        return Number(found.rows) >= partitions && Number(found.decisions) >= partitions
      } catch (error) {
        state = String(error)
        return false
      }
    },
    async () => [state, ...(await fleet.halts())].join('\n'),
  )
}
