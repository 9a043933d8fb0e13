import { fleetPageCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetPageRecord } from '../../../schemas/fleet/page-records.ts'
import { FleetLog } from '../../support/records/fleet-log.ts'
import { shown, whole } from '../harness/bench-line.ts'
import type { BenchResult } from '../harness/bench-line.ts'
import { BenchWorkers, workersInput } from '../loads/fleet-workers.ts'

/** Five minutes of samples, so that rows of cells leave, and pages have all that they will have. */
const ROUNDS = 14
const PACKED_BYTES_MAX = 1_200
const RESTART_MS_MAX = 4_000
/** Samples of one transaction: what comes in a tenth of a second. */
const RECORDS_A_BATCH = 4

/**
 * What a worker costs the fleet's task, without Kafka and ClickHouse: CPU a sample in both planes and with the rows of
 * fleet_samples, bytes of its page in the log, and how long a restart takes to restore all pages and to bring them up to the
 * log's end.
 */
export async function benchFleetPages({ workers }: { readonly workers: number }): Promise<BenchResult> {
  const input = workersInput(workers, ROUNDS)
  const unknown = new FleetLog(input)
  const withoutUs = await costUs(unknown, workers)
  const inventory = new BenchWorkers(workers)
  const log = new FleetLog(input, undefined, { inventory, identity: inventory })
  const withUs = await costUs(log, workers)
  const pages = newestPages(log)
  const packed = pages.reduce((sum, page) => sum + page.packed.length, 0) / workers
  const size = pages.reduce((sum, page) => sum + page.size, 0) / workers
  const restartMs = await restart(log)
  return {
    lines: [
      shown(`CPU a sample of ${whole(workers)} workers, both planes`, `${withUs.toFixed(1)} µs`),
      shown('CPU a sample of machines that nobody knows', `${withoutUs.toFixed(1)} µs`),
      shown('bytes of a worker in its page, not packed', whole(size)),
      {
        what: 'bytes of a worker in its page, packed',
        value: whole(packed),
        target: `≤ ${whole(PACKED_BYTES_MAX)}`,
        reached: packed <= PACKED_BYTES_MAX,
      },
      {
        what: `restart with ${whole(workers)} workers: pages restored and brought up to the log's end`,
        value: `${(restartMs / 1_000).toFixed(2)} s`,
        target: `< ${RESTART_MS_MAX / 1_000} s`,
        reached: restartMs < RESTART_MS_MAX,
      },
    ],
  }
}

/** CPU a sample, after the first round, which makes the workers. */
async function costUs(log: FleetLog, workers: number): Promise<number> {
  const records = log.input.length
  const ofRound = (records - 1) / ROUNDS
  while (Number(log.position) < 1 + ofRound) await log.step(RECORDS_A_BATCH)
  const before = process.cpuUsage()
  const from = Number(log.position)
  while (Number(log.position) < records) await log.step(RECORDS_A_BATCH)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (((records - from) / ofRound) * workers)
}

function newestPages(log: FleetLog): FleetPageRecord[] {
  const newest = new Map<string, FleetPageRecord>()
  for (const { key, value } of log.committed) {
    if (key?.startsWith('!page/') === true && value !== null) newest.set(key, fleetPageCodec.decode(value))
  }
  return [...newest.values()]
}

/** From a compacted state topic; milliseconds until the task is where it was. */
async function restart(log: FleetLog): Promise<number> {
  const newest = new Map(log.stateRecords.map((record) => [record.key?.toString(), record]))
  log.stateRecords = [...newest.values()]
  const end = log.position
  const beganMs = performance.now()
  log.restart()
  while (log.position < end) await log.step(RECORDS_A_BATCH)
  return performance.now() - beganMs
}
