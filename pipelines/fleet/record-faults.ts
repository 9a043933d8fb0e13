import {
  BATCH_ITEMS_MAX,
  COMPLETE_SPANS_MAX,
  INTERVAL_S_MAX,
  INTERVAL_S_MIN,
  SEQ_MAX,
  WARNINGS_MAX,
} from '../../schemas/fleet/bounds.ts'
import { MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../schemas/fleet/fields.ts'
import type {
  FleetItem,
  FleetNodeName,
  Mark,
  NodeHeartbeat,
  OfMachine,
  WorkerTelemetry,
} from '../../schemas/fleet/records.ts'
import { isFreeText, NODE_ID_PATTERN } from '../../schemas/ids.ts'
import { REFUSAL_CODES } from '../../schemas/reasons.ts'
import { isBelow } from './seen.ts'
import { faultIn, isKeptTime } from './fits.ts'

/**
 * What records of fleet.inbox may hold. The gateway checks the same before it writes; here no writer is trusted: a number
 * that does not fit its column would stop the partition.
 */

const NAME = new RegExp(NODE_ID_PATTERN)
const CODES: ReadonlySet<string> = new Set(REFUSAL_CODES)

const isNumber = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= SEQ_MAX
const isMark = ({ epoch, seq }: Mark): boolean => isNumber(epoch) && isNumber(seq)
const isInterval = (seconds: number): boolean => seconds >= INTERVAL_S_MIN && seconds <= INTERVAL_S_MAX

/** Why a batch is not a possible one; null where it is. */
export function telemetryFault(batch: WorkerTelemetry): string | null {
  const { epoch, first_seq, low, complete, items } = batch
  const fault = nodeFault(batch)
  if (fault !== null) return fault
  if (!isMark({ epoch, seq: first_seq }) || !isMark(low)) return 'epoch, first_seq or low is out of its range'
  if (isBelow({ epoch, seq: first_seq }, low)) return 'low is above first_seq'
  if (items.length === 0 || items.length > BATCH_ITEMS_MAX) return `it has ${items.length} items`
  if (first_seq + items.length > SEQ_MAX) return 'its last number is out of its range'
  if (complete.length > COMPLETE_SPANS_MAX) return `it has ${complete.length} complete spans`
  if (!complete.every(({ from, to }) => isKeptTime(from) && isKeptTime(to) && from < to))
    return 'a complete span is none'
  for (const [index, item] of items.entries()) {
    const fault = itemFault(item)
    if (fault !== null) return `item ${index}: ${fault}`
  }
  return null
}

/** Why a heartbeat is not a possible one; null where it is. */
export function nodeHeartbeatFault(heartbeat: NodeHeartbeat): string | null {
  const fault = nodeFault(heartbeat)
  if (fault !== null) return fault
  if (!isNumber(heartbeat.epoch)) return 'epoch is out of its range'
  if (!isFreeText(heartbeat.software_version)) return 'software_version is no text'
  return null
}

function nodeFault({
  provider_id,
  location_id,
  node_id,
  interval_s,
}: FleetNodeName & { readonly interval_s: number }): string | null {
  if (![provider_id, location_id, node_id].every((name) => NAME.test(name))) return 'a name is none'
  return isInterval(interval_s) ? null : 'interval_s is out of its range'
}

function itemFault({ sample, poll, report, refused }: FleetItem): string | null {
  const said = [sample, poll, report, refused].filter((one) => one !== null)
  if (said.length !== 1) return 'it is not exactly one of a sample, a poll result, a report and a refusal'
  if (refused !== null) return CODES.has(refused) ? null : 'refused is no code'
  if (sample !== null) {
    const { warnings } = sample
    if (warnings.length > WARNINGS_MAX || !warnings.every(isFreeText))
      return 'warnings are out of their bounds'
    return machineFault(sample) ?? faultIn(SAMPLE_FIELDS, sample)
  }
  if (poll !== null) return machineFault(poll)
  return report === null ? null : (machineFault(report) ?? faultIn(REPORT_FIELDS, report))
}

function machineFault(machine: OfMachine): string | null {
  if (!isKeptTime(machine.observed_at)) return 'observed_at is no time'
  return faultIn(MACHINE_FIELDS, machine)
}
