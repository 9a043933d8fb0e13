import { isSource } from '../../../schemas/identity.ts'
import { NODE_ID_PATTERN, isFreeText, partitionOfNode } from '../../../schemas/ids.ts'
import { isLabelName, isLabelValue } from '../../../schemas/labels.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import type { UsageEvent, UsageMore } from '../../../schemas/usage.ts'

const ID = new RegExp(NODE_ID_PATTERN)
const {
  tokensMax,
  durationMsMax,
  energyMwhMax,
  costNanoUsdMax,
  gpusMax,
  inferencesMax,
  labelsMax,
  ageMsMax,
  aheadMsMax,
  taskSlackMs,
} = USAGE_BOUNDS

/** Tokens of version 1 of the schema are 32 bits. */
const INT_MAX = 2_147_483_647

/** The place and time at which the record that holds an event came in. */
export interface Arrival {
  readonly partition: number
  readonly partitions: number
  /** The receipt that age is judged by. */
  readonly receiptMs: number
}

/** What is wrong with the fields that few events have. */
function moreRefusal(event: UsageEvent, more: UsageMore): string | null {
  const within = (value: number, least: number, most: number): boolean => value >= least && value <= most
  if (!within(more.gpus, 1, gpusMax) || !within(more.inferences, 1, inferencesMax)) return 'out_of_range'
  if (!within(more.tokens_cached ?? 0, 0, event.tokens_in)) return 'out_of_range'
  if (!within(more.tokens_reasoning ?? 0, 0, event.tokens_out)) return 'out_of_range'
  if (more.labels.length > labelsMax) return 'out_of_range'
  const names = new Set(more.labels.map(({ name }) => name))
  const isOdd = more.labels.some(({ name, value }) => !isLabelName(name) || !isLabelValue(value))
  return isOdd || names.size < more.labels.length ? 'invalid_text' : null
}

/** Why an event of a record that decodes must have been set aside; null where it counts (repeats aside). */
export function refusalOf(event: UsageEvent, arrival: Arrival, isVersion1 = false): string | null {
  const most = isVersion1 ? INT_MAX : tokensMax
  const gpus = Math.min(Math.max(event.more?.gpus ?? 1, 1), gpusMax)
  const beyond = (value: number, max: number): boolean => !(value >= 0 && value <= max)
  if (beyond(event.tokens_in, most) || beyond(event.tokens_out, most)) return 'out_of_range'
  if (beyond(event.duration_ms ?? 0, durationMsMax) || beyond(event.gpu_ms ?? 0, durationMsMax * gpus))
    return 'out_of_range'
  if (beyond(event.energy_mwh ?? 0, energyMwhMax)) return 'out_of_range'
  if ((event.energy_mwh === null) !== (event.energy_source === 'none')) return 'invalid_value'
  if (beyond(event.cost_nano_usd, costNanoUsdMax)) return 'out_of_range'
  const more = event.more === null ? null : moreRefusal(event, event.more)
  if (more !== null) return more
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
