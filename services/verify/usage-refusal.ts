import { isSource } from '../../schemas/identity.ts'
import { NODE_ID_PATTERN, isFreeText, partitionOfNode } from '../../schemas/ids.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

const ID = new RegExp(NODE_ID_PATTERN)
const { tokensMax, durationMsMax, energyMwhMax, costNanoUsdMax, ageMsMax, aheadMsMax, taskSlackMs } =
  USAGE_BOUNDS

/** Where and when the record that holds an event came in. */
export interface Arrival {
  readonly partition: number
  readonly partitions: number
  /** The receipt that age is judged by. */
  readonly receiptMs: number
}

/** Why an event of a record that decodes must have been set aside, or null where it counts (repeats aside). */
export function refusalOf(event: UsageEvent, arrival: Arrival): string | null {
  const beyond = (value: number, max: number): boolean => !(value >= 0 && value <= max)
  if (beyond(event.tokens_in, tokensMax) || beyond(event.tokens_out, tokensMax)) return 'out_of_range'
  if (beyond(event.duration_ms ?? 0, durationMsMax) || beyond(event.gpu_ms ?? 0, durationMsMax))
    return 'out_of_range'
  if (beyond(event.energy_mwh ?? 0, energyMwhMax)) return 'out_of_range'
  if ((event.energy_mwh === null) !== (event.energy_source === 'none')) return 'invalid_value'
  if (beyond(event.cost_nano_usd, costNanoUsdMax)) return 'out_of_range'
  if (!ID.test(event.node_id) || !isFreeText(event.model_id)) return 'invalid_text'
  if (event.event_text !== null && !isFreeText(event.event_text)) return 'invalid_text'
  if (event.event_source !== null && !isSource(event.event_source)) return 'invalid_text'
  for (const id of [event.operator_id, event.goal_id, event.requester_node_id, event.reservation_id]) {
    if (id !== null && !ID.test(id)) return 'invalid_text'
  }
  if (partitionOfNode(event.node_id, arrival.partitions) !== arrival.partition) return 'wrong_partition'
  const ageMs = arrival.receiptMs - event.occurred_at
  if (ageMs > ageMsMax + taskSlackMs) return 'too_old'
  if (-ageMs > aheadMsMax + taskSlackMs) return 'in_the_future'
  return null
}
