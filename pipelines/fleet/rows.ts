import { LANES } from '../../schemas/fleet/records.ts'
import type { OfMachine, Sample, WorkerTelemetry } from '../../schemas/fleet/records.ts'
import { OUTCOMES } from '../../schemas/fleet/outcomes.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import { rawOf, RowWriter } from '../../schemas/rowbinary.ts'
import type { Raw } from '../../schemas/rowbinary.ts'
import { TABLES } from '../../schemas/tables.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { LogRecord } from '../log/records.ts'

/** The columns that all rows of one batch have in common. */
export function batchColumns(batch: WorkerTelemetry, { offset, timestampMs }: LogRecord): Raw {
  const writer = new RowWriter(256)
  writer.string(batch.provider_id)
  writer.string(batch.location_id)
  writer.string(batch.node_id)
  writer.u64(timestampMs)
  writer.u64(Number(offset))
  writer.u64(batch.epoch)
  writer.u8(LANES.indexOf(batch.lane) + 1)
  writer.u16(batch.interval_s)
  return rawOf(writer.take())
}

/** Where a sample is in its batch, and what became of it. */
export interface SamplePlace {
  readonly index: number
  readonly seq: number
  readonly outcome: DecidedOutcome
  /** Empty where the machine is none. */
  readonly worker: string
}

/** Writes the row of a sample; `ofBatch` is what `batchColumns` made. */
export function writeSample(
  blocks: BlockLog,
  ofBatch: Raw,
  { index, seq, outcome, worker }: SamplePlace,
  sample: Sample,
): void {
  const { rows, prefix } = blocks.rowsFor(TABLES.fleetSamples, dayOf(sample.observed_at))
  rows.raw(prefix)
  rows.raw(ofBatch)
  rows.u32(index)
  rows.u64(seq)
  rows.u8(OUTCOMES[outcome])
  rows.string(worker)
  rows.string(fingerprintOf(sample))
  rows.u64(sample.observed_at)
  rows.string(sample.address ?? '')
  writeScalars(rows, sample)
}

function writeScalars(rows: RowWriter, sample: Sample): void {
  const { hashrate_hs: rates, temp_c: temperatures, shares } = sample
  rows.string(sample.algorithm ?? '')
  rows.nullableU64(rates.now)
  rows.nullableU64(rates._5m)
  rows.nullableU64(rates.avg)
  rows.nullableU64(sample.hashrate_nominal_hs)
  rows.nullableU64(sample.hw_errors)
  rows.nullableF64(sample.power_w)
  rows.nullableF64(sample.power_limit_w)
  rows.string(sample.power_source ?? '')
  rows.nullableF64(sample.energy_wh_total)
  rows.nullableF64(sample.uptime_s)
  rows.nullableF64(temperatures.inlet)
  rows.nullableF64(temperatures.outlet)
  rows.nullableF64(temperatures.board_max)
  rows.nullableF64(temperatures.chip_max)
  rows.nullableF64(slowestFan(sample))
  rows.nullableU64(sample.boards_online)
  rows.nullableU64(sample.boards_expected)
  rows.nullableU64(sample.chips_online)
  rows.nullableU64(shares.accepted)
  rows.nullableU64(shares.rejected)
  rows.nullableU64(shares.stale)
  rows.string(sample.mode ?? '')
  rows.u8(sample.is_mining === null ? 1 : 0)
  if (sample.is_mining !== null) rows.u8(Number(sample.is_mining))
}

/** The serial number, else the MAC as the device says it, else as the node's ARP table has it; empty where none is known. */
function fingerprintOf({ serial, mac, mac_arp }: OfMachine): string {
  return serial ?? mac ?? mac_arp ?? ''
}

function slowestFan({ fans }: Sample): number | null {
  const speeds = (fans ?? []).flatMap(({ rpm }) => (rpm === null ? [] : [rpm]))
  return speeds.length === 0 ? null : Math.min(...speeds)
}

/** The day of a time as the partitions of fleet_samples name it, `YYYYMMDD` in UTC. */
function dayOf(atMs: number): string {
  const at = new Date(atMs)
  return String((at.getUTCFullYear() * 100 + at.getUTCMonth() + 1) * 100 + at.getUTCDate())
}
