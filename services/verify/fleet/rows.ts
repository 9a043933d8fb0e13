import type { Sample, WorkerTelemetry } from '../../../schemas/fleet/records.ts'
import type { Row } from '../differences.ts'
import { ms } from '../tables.ts'

/** Where a sample is in the log, and what became of it. */
interface Place {
  readonly index: number
  readonly seq: number
  readonly outcome: string
  readonly worker: string
  readonly offset: bigint
  readonly receivedAt: number
}

/** The columns of fleet_samples as they are compared. */
export const SAMPLE_COLUMNS = `t.provider_id, t.location_id, t.node_id, t.worker_id, t.fingerprint, ${ms('observed_at')},
  ${ms('received_at')}, t.record_offset, t.record_index, t.epoch, t.seq, t.lane, t.outcome, t.interval_s, t.address, t.algorithm,
  t.hashrate_now_hs, t.hashrate_5m_hs, t.hashrate_avg_hs, t.hashrate_nominal_hs, t.hw_errors, t.power_w, t.power_limit_w,
  t.power_source, t.energy_wh_total, t.uptime_s, t.temp_inlet_c, t.temp_outlet_c, t.temp_board_max_c, t.temp_chip_max_c,
  t.fan_rpm_min, t.boards_online, t.boards_expected, t.chips_online, t.shares_accepted, t.shares_rejected, t.shares_stale,
  t.mode, t.is_mining`

/** The row that a sample must have. */
export function rowOf(batch: WorkerTelemetry, sample: Sample, place: Place): Row {
  const { hashrate_hs: rates, temp_c: temperatures, shares } = sample
  return {
    provider_id: batch.provider_id,
    location_id: batch.location_id,
    node_id: batch.node_id,
    worker_id: place.worker,
    fingerprint: [sample.serial, sample.mac, sample.mac_arp].find((known) => known !== null) ?? '',
    observed_at: sample.observed_at,
    received_at: place.receivedAt,
    record_offset: place.offset,
    record_index: place.index,
    epoch: batch.epoch,
    seq: place.seq,
    lane: batch.lane,
    outcome: place.outcome,
    interval_s: batch.interval_s,
    address: sample.address ?? '',
    algorithm: sample.algorithm ?? '',
    hashrate_now_hs: rates.now,
    hashrate_5m_hs: rates._5m,
    hashrate_avg_hs: rates.avg,
    hashrate_nominal_hs: sample.hashrate_nominal_hs,
    hw_errors: sample.hw_errors,
    power_w: sample.power_w,
    power_limit_w: sample.power_limit_w,
    power_source: sample.power_source ?? '',
    energy_wh_total: sample.energy_wh_total,
    uptime_s: sample.uptime_s,
    temp_inlet_c: temperatures.inlet,
    temp_outlet_c: temperatures.outlet,
    temp_board_max_c: temperatures.board_max,
    temp_chip_max_c: temperatures.chip_max,
    fan_rpm_min: slowest(sample.fans ?? []),
    boards_online: sample.boards_online,
    boards_expected: sample.boards_expected,
    chips_online: sample.chips_online,
    shares_accepted: shares.accepted,
    shares_rejected: shares.rejected,
    shares_stale: shares.stale,
    mode: sample.mode ?? '',
    is_mining: sample.is_mining === null ? null : Number(sample.is_mining),
  }
}

function slowest(fans: readonly { readonly rpm: number | null }[]): number | null {
  let least: number | null = null
  for (const { rpm } of fans) if (rpm !== null && (least === null || rpm < least)) least = rpm
  return least
}
