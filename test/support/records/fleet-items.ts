import { schemaIdOf } from '../../../schemas/avro.ts'
import { nodeHeartbeatCodec, workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import { MACHINE_FIELDS, REPORT_FIELDS, SAMPLE_FIELDS } from '../../../schemas/fleet/fields.ts'
import type { Fields, RecordOf } from '../../../schemas/fleet/fields.ts'
import type {
  DeviceReport,
  FleetItem,
  NodeHeartbeat,
  PollResult,
  Sample,
  WorkerTelemetry,
} from '../../../schemas/fleet/records.ts'

/** A record of these fields of which nothing is known. */
function unknown<const Of extends Fields>(fields: Of): RecordOf<Of> {
  const entries = Object.entries(fields).map(([name, field]) => {
    if (field.kind === 'group') return [name, unknown(field.fields)] as const
    return [name, field.kind === 'place' ? 0 : field.kind === 'code' ? 'E0' : null] as const
  })
  return Object.fromEntries(entries) as RecordOf<Of>
}

/** A sample of which only the machine and the time are known, and `fields`. */
export function sample(observed_at: number, fields: Partial<Sample> = {}): Sample {
  const machine = { ...unknown(MACHINE_FIELDS), serial: 'HM-0001' }
  return { observed_at, ...machine, ...unknown(SAMPLE_FIELDS), warnings: [], ...fields }
}

export function poll(observed_at: number, result: PollResult['result'] = 'timeout'): PollResult {
  return { observed_at, ...unknown(MACHINE_FIELDS), serial: 'HM-0001', result }
}

export function report(observed_at: number, fields: Partial<DeviceReport> = {}): DeviceReport {
  return { observed_at, ...unknown(MACHINE_FIELDS), serial: 'HM-0001', ...unknown(REPORT_FIELDS), ...fields }
}

const NOTHING: FleetItem = { sample: null, poll: null, report: null, refused: null }

/** An item of one kind. */
export const item = (fields: Partial<FleetItem>): FleetItem => ({ ...NOTHING, ...fields })

/** A batch of the node `p/l/n`, from number 1 of epoch 1 on. */
export function batch(items: readonly FleetItem[], fields: Partial<WorkerTelemetry> = {}): WorkerTelemetry {
  return {
    provider_id: 'p',
    location_id: 'l',
    node_id: 'n',
    epoch: 1,
    first_seq: 1,
    lane: 'live',
    low: { epoch: 1, seq: 1 },
    complete: [],
    interval_s: 30,
    items,
    ...fields,
  }
}

export function nodeHeartbeat(fields: Partial<NodeHeartbeat> = {}): NodeHeartbeat {
  return {
    provider_id: 'p',
    location_id: 'l',
    node_id: 'n',
    epoch: 1,
    sent_at: 1,
    software_version: '1.0.0',
    interval_s: 30,
    ...fields,
  }
}

/** The batches in these values of fleet.inbox. */
export function batchesIn(values: readonly (Buffer | null)[]): WorkerTelemetry[] {
  return values.flatMap((value) =>
    value !== null && schemaIdOf(value) === workerTelemetryCodec.schemaId
      ? [workerTelemetryCodec.decode(value)]
      : [],
  )
}

/** The heartbeats in these values of fleet.inbox. */
export function heartbeatsOf(values: readonly (Buffer | null)[]): NodeHeartbeat[] {
  return values.flatMap((value) =>
    value !== null && schemaIdOf(value) === nodeHeartbeatCodec.schemaId
      ? [nodeHeartbeatCodec.decode(value)]
      : [],
  )
}
