import { recordsOf } from '../../../services/gateway/fleet/batch-records.ts'
import { sentAsJson, sentPacked } from '../../../services/gateway/fleet/sent-batch.ts'
import type { SentBatch } from '../../../services/gateway/fleet/sent-batch.ts'
import { workerTelemetryCodec } from '../../../schemas/fleet/codecs.ts'
import { BATCH_ITEMS_MAX } from '../../../schemas/fleet/bounds.ts'
import type { FleetItem, Sample } from '../../../schemas/fleet/records.ts'
import { batch, item, sample } from '../../support/records/fleet-items.ts'
import { jsonItem } from '../../support/records/sent-telemetry.ts'
import { shown } from '../harness/bench-line.ts'
import type { BenchResult } from '../harness/bench-line.ts'

const NOW = Date.UTC(2026, 11, 1, 12)
const MICROSECONDS_PER_SECOND = 1_000_000
const SAMPLES_PER_MILLION = 1_000_000
const FANS = 4
const BOARDS = 3

/** Its values count those of its parts: 40 in all. */
function sampleOf(machine: number): Sample {
  const rate = 100_000_000_000_000 + machine * 1_000_003
  const empty = sample(NOW)
  return sample(NOW, {
    serial: `HM-${String(machine).padStart(6, '0')}`,
    address: `10.20.${machine >> 8}.${machine & 255}:4028`,
    algorithm: 'sha256',
    hashrate_hs: { ...empty.hashrate_hs, now: rate, _5m: rate - 7 },
    hashrate_nominal_hs: rate + 1_000,
    hw_errors: machine % 100,
    power_w: 3_300 + machine / 8,
    power_source: 'miner_psu',
    uptime_s: 86_400 + machine,
    temp_c: { ...empty.temp_c, inlet: 24.5, board_max: 61.25, chip_max: 73.5 },
    fans: Array.from({ length: FANS }, (_, index) => ({ index, rpm: 5_000 + machine, pct: null })),
    boards: Array.from({ length: BOARDS }, (_, slot) => ({ ...boardOf(rate / BOARDS), slot })),
    shares: { ...empty.shares, accepted: machine * 17, rejected: machine % 5 },
    is_mining: true,
  })
}

function boardOf(rate: number) {
  return {
    present: true,
    enabled: null,
    hashrate_hs: Math.floor(rate),
    nominal_hs: null,
    temp_board_c: 61.25,
    temp_chip_c: null,
    chips: 126,
    chips_expected: null,
    freq_mhz: null,
    voltage_v: null,
    hw_errors: null,
    power_w: null,
  }
}

/** What a sample says: every value that is not null. */
function valuesOf(value: unknown): number {
  if (value === null) return 0
  if (typeof value !== 'object') return 1
  return Object.values(value).reduce((values: number, part) => values + valuesOf(part), 0)
}

/**
 * The work of the gateway on batches of 1,000 samples, from the body to the records of the log: packed beside JSON, in turns
 * in one process.
 */
export async function benchTelemetry({
  samples,
  turns,
}: {
  readonly samples: number
  readonly turns: number
}): Promise<BenchResult> {
  const items: FleetItem[] = Array.from({ length: BATCH_ITEMS_MAX }, (_, at) =>
    item({ sample: sampleOf(at) }),
  )
  const { items: _, ...head } = batch([])
  const json = Buffer.from(JSON.stringify({ ...head, items: items.map((one) => jsonItem({ ...one })) }))
  const packed = workerTelemetryCodec.encode({ ...head, items })
  const pause = async (): Promise<void> => {}
  const batches = Math.max(1, Math.round(samples / turns / BATCH_ITEMS_MAX))
  const cpuS = { json: 0, packed: 0 }
  // The first turn warms the code up, and is not counted.
  for (let turn = 0; turn <= turns; turn += 1) {
    const spent = {
      json: await cpuOf(batches, () => sentAsJson(json, pause)),
      packed: await cpuOf(batches, async () => sentPacked(packed, pause)),
    }
    if (turn === 0) continue
    cpuS.json += spent.json
    cpuS.packed += spent.packed
  }
  const perMillion = (seconds: number): number =>
    (seconds / (batches * turns * BATCH_ITEMS_MAX)) * SAMPLES_PER_MILLION
  const bytes = (body: Buffer): string => `${Math.round(body.length / BATCH_ITEMS_MAX)} bytes a sample`
  return {
    lines: [
      shown('values of a sample', String(valuesOf(items[0]?.sample ?? null))),
      shown('JSON, CPU-s per million samples', `${perMillion(cpuS.json).toFixed(2)}, ${bytes(json)}`),
      shown('packed, the same', `${perMillion(cpuS.packed).toFixed(2)}, ${bytes(packed)}`),
      shown('packed ÷ JSON', (cpuS.packed / cpuS.json).toFixed(2)),
    ],
  }
}

async function cpuOf(batches: number, read: () => Promise<SentBatch>): Promise<number> {
  const before = process.cpuUsage()
  for (let sent = 0; sent < batches; sent += 1) {
    const { head, judge } = await read()
    const { items, refused } = await judge(NOW)
    const records = recordsOf(head, items)
    if (refused.length > 0 || records.length === 0) throw new Error('A batch was not taken whole.')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / MICROSECONDS_PER_SECOND
}
