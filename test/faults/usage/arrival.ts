import { formatUuid } from '../../../schemas/ids.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { until } from '../../support/until.ts'
import type { Fleet } from '../harness/fleet.ts'

/** Waits until each of the events is a row of ClickHouse. Throws where that does not happen. */
export async function untilCounted(
  fleet: Fleet,
  events: readonly UsageEvent[],
  timeoutMs: number,
): Promise<void> {
  const ids = events.map(({ event_id }) => formatUuid(event_id))
  let found = 0
  await until(
    `${ids.length} events of the fault to be counted`,
    timeoutMs,
    async () => {
      const [row] = await fleet.installation.clickhouse.rows<{ rows: string }>(
        'SELECT uniqExact(node_id, event_id) AS rows FROM usage_events WHERE event_id IN {ids:Array(UUID)}',
        { ids },
      )
      found = Number(row?.rows)
      return found >= ids.length
    },
    async () => [`${found} are there`, ...(await fleet.halts())].join('\n'),
  )
}
