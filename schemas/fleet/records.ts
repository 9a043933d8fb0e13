import type { Since } from '../since.ts'
import type { MACHINE_FIELDS, POLL_RESULTS, RecordOf, REPORT_FIELDS, SAMPLE_FIELDS } from './fields.ts'
import type { DecidedOutcome } from './outcomes.ts'

/** The values of the fleet's Avro schemas, as the files in `schemas/avro` name and document them. */

/** The names of one node: an agent at one location of one provider. */
export interface FleetNodeName {
  readonly provider_id: string
  readonly location_id: string
  readonly node_id: string
}

/** What a credential may be to a hosting provider: whoever runs it, whoever works at its machines, one of its customers. */
export const FLEET_ROLES = ['provider_admin', 'technician', 'customer'] as const
export type FleetRole = (typeof FLEET_ROLES)[number]

/** What a credential may do with one provider's inventory. */
export interface FleetGrant {
  readonly provider_id: string
  readonly role: FleetRole
  /** Of a customer: whose things it sees; null for the other roles. */
  readonly customer_id: string | null
}

/** A place in all that a node has ever numbered: each start of its agent is an epoch, and counts from 1. */
export interface Mark {
  readonly epoch: number
  readonly seq: number
}

/** Of which machine, and when, UTC milliseconds as the node says it. */
export type OfMachine = RecordOf<typeof MACHINE_FIELDS> & { readonly observed_at: number }

export type Sample = OfMachine & RecordOf<typeof SAMPLE_FIELDS> & { readonly warnings: readonly string[] }
export type PollResult = OfMachine & { readonly result: (typeof POLL_RESULTS)[number] }
export type DeviceReport = OfMachine & RecordOf<typeof REPORT_FIELDS>

/** Exactly one of the four is not null. */
export interface FleetItem {
  readonly sample: Sample | null
  readonly poll: PollResult | null
  readonly report: DeviceReport | null
  /** The code with which the gateway refused what the node sent under this number. */
  readonly refused: string | null
}

/** `live`: what was just polled; `replay`: what the node could not send then. */
export const LANES = ['live', 'replay'] as const
export type Lane = (typeof LANES)[number]

/** `[from, to)`, UTC milliseconds. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A batch of one node: item i has the number `first_seq` + i. */
export interface WorkerTelemetry extends FleetNodeName {
  readonly epoch: number
  readonly first_seq: number
  readonly lane: Lane
  /** The oldest number that the node still holds: what is below comes no more. */
  readonly low: Mark
  /** In which the node polled, and of which it holds nothing back any more. */
  readonly complete: readonly Span[]
  readonly interval_s: number
  readonly items: readonly FleetItem[]
}

export interface NodeHeartbeat extends FleetNodeName {
  readonly epoch: number
  /** By the node's clock. */
  readonly sent_at: number
  readonly software_version: string
  readonly interval_s: number
}

/** Numbers `[from, to)` that a node has used. */
export interface SeenRange {
  from: number
  to: number
}

/** What was seen of one epoch: ranges in their order, apart from each other. */
export interface SeenEpoch {
  readonly epoch: number
  readonly ranges: SeenRange[]
}

/** Items of one hour of log time that were too old. */
export interface QuarantinedHour {
  /** Begin of the hour, UTC milliseconds. */
  readonly hour: number
  readonly reason: string
  items: number
}

/** When an epoch of a node last said something of that moment. */
export interface EpochContact {
  readonly epoch: number
  /** Log time. */
  readonly at: number
}

/** The present of a node, in fleet.state. */
export interface FleetNode extends FleetNodeName {
  readonly first_seen_at: number
  last_heartbeat_at: number | null
  last_data_at: number | null
  software_version: string | null
  interval_s: number
  /** The newest. */
  epoch: number
  /** Numbers below it are closed: what is missing there was lost. */
  low: Mark
  /** Lowest first. */
  epochs: SeenEpoch[]
  /** Numbers that were used, as later ones show, and never came. */
  lost: number
  /** By their words, in the order of the words. */
  outcomes: { readonly outcome: DecidedOutcome; items: number }[]
  /** Oldest first. */
  quarantined: QuarantinedHour[]
  /** Of the newest epoch, and of earlier ones that spoke after it began; lowest first. */
  contacts: readonly EpochContact[]
  /** How often an epoch spoke while a later one was live. */
  clone_contacts: number
}

export interface FleetTask {
  position: number
  next_seq: number
  now: number
  loaded_seq: number
  oldest_unloaded_at: number | null
  ended: boolean
  since: readonly Since[]
}
