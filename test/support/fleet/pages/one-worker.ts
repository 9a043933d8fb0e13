import { tickCodec } from '../../../../schemas/avro.ts'
import { MINUTE_MS } from '../../../../schemas/units.ts'
import type { LogRecord } from '../../../../pipelines/log/records.ts'
import { GATEWAY_TICKS } from '../../../../pipelines/log/tick.ts'
import { inputRecord } from '../../records/task-log.ts'
import type { Script, ScriptWorker } from './script-inventory.ts'

const EDGE_MS = 5 * MINUTE_MS
const FIRST = { offset: 0, fromMs: 0 }

/** A worker of the provider `p` with this serial number, polled by its node `n`, from the next edge after `fromMs` on. */
export function scriptOf(serial: string, fromMs: number, but: Partial<ScriptWorker> = {}): Script {
  const worker: ScriptWorker = {
    workerId: `worker-${serial}`,
    place: { page: 0, index: 0 },
    bornOffset: 0,
    commissionedAtMs: Math.ceil(fromMs / EDGE_MS) * EDGE_MS,
    retiredAtMs: Number.POSITIVE_INFINITY,
    freedAtMs: Number.POSITIVE_INFINITY,
    intervalS: 30,
    spreadS: 0,
    serials: [{ ...FIRST, value: serial }],
    nodes: [{ ...FIRST, value: 'p/l/n' }],
    containers: [{ ...FIRST, value: 'hall' }],
    ...but,
  }
  return { providerId: 'p', locationId: 'l', workers: [worker], thresholds: [], engines: [] }
}

/** A tick of a gateway. */
export function gatewayTick(offset: number, atMs: number): LogRecord {
  return inputRecord(offset, atMs, tickCodec.encode({ written_by: GATEWAY_TICKS }))
}
