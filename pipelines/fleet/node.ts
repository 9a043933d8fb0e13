import { DECIDED_OUTCOMES } from '../../schemas/fleet/outcomes.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import type { FleetNode, FleetNodeName } from '../../schemas/fleet/records.ts'
import { HOUR_MS } from '../../schemas/units.ts'

/** Hours of log time for which a node keeps how many of its items were too old; beyond them the oldest hour is forgotten. */
export const QUARANTINED_HOURS_MAX = 80

/** A node that nothing has come from. */
export function newNode({ provider_id, location_id, node_id }: FleetNodeName, nowMs: number): FleetNode {
  return {
    provider_id,
    location_id,
    node_id,
    first_seen_at: nowMs,
    last_heartbeat_at: null,
    last_data_at: null,
    software_version: null,
    interval_s: 0,
    epoch: 0,
    low: { epoch: 0, seq: 1 },
    epochs: [],
    lost: 0,
    outcomes: [],
    quarantined: [],
    contacts: [],
    clone_contacts: 0,
  }
}

/** Adds items to the counts of a node. */
export function countOutcome(node: FleetNode, outcome: DecidedOutcome, items: number): void {
  const known = node.outcomes.find((one) => one.outcome === outcome)
  if (known !== undefined) {
    known.items += items
    return
  }
  const placeOf = (one: DecidedOutcome): number => DECIDED_OUTCOMES.indexOf(one)
  node.outcomes.push({ outcome, items })
  node.outcomes.sort((left, right) => placeOf(left.outcome) - placeOf(right.outcome))
}

/** Counts an item that was too old, in its hour of log time. */
export function countQuarantined(node: FleetNode, reason: string, nowMs: number): void {
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS
  const known = node.quarantined.findLast((one) => one.hour === hour && one.reason === reason)
  if (known !== undefined) {
    known.items++
    return
  }
  node.quarantined.push({ hour, reason, items: 1 })
  if (node.quarantined.length > QUARANTINED_HOURS_MAX) node.quarantined.shift()
}
