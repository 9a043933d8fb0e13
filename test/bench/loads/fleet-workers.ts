import { tickCodec } from '../../../schemas/avro.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import type {
  Claim,
  FleetInventory,
  IdentityRule,
  InventoryContext,
  Named,
  PlacedWorker,
  ProviderInventory,
  WorkerPlace,
} from '../../../pipelines/fleet/pages/inventory.ts'
import { PAGE_WORKERS } from '../../../pipelines/fleet/pages/layout.ts'
import type { Columns } from '../../../pipelines/fleet/pages/layout.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { ORDINARY } from '../../support/fleet/live/worker.ts'
import { batch, item, sample } from '../../support/records/fleet-items.ts'
import { fleetRecord } from '../../support/records/fleet-log.ts'
import { inputRecord } from '../../support/records/task-log.ts'

export const BEGIN_MS = Date.UTC(2026, 5, 1)
const INTERVAL_S = 30
/** Machines of one node, which sends them in one batch. */
const NODE_MACHINES = 500
const RATE_HS = 200_000_000_000_000
const CONTEXT: InventoryContext = { ...ORDINARY, nameplateW: 3_500 }

const LEASE = { holder: 'u32', heldMs: 'f64' } as const

const serialOf = (machine: number): string => `SN${String(machine).padStart(8, '0')}`
const nodeOf = (machine: number): string => `agent-${Math.floor(machine / NODE_MACHINES)}`

/** So many workers of one provider, all of one model, in four halls. */
export class BenchWorkers implements FleetInventory, ProviderInventory, IdentityRule<typeof LEASE> {
  readonly fields = LEASE
  readonly #workers: number
  readonly #places = new Map<string, WorkerPlace>()

  constructor(workers: number) {
    this.#workers = workers
    for (let machine = 0; machine < workers; machine++) {
      const place = { page: Math.floor(machine / PAGE_WORKERS), index: machine % PAGE_WORKERS }
      this.#places.set(serialOf(machine), place)
    }
  }

  of(): ProviderInventory {
    return this
  }

  changedBy(offset: number) {
    if (offset !== 0) return []
    return [...this.#places.values()].map(({ page, index }) => ({ providerId: 'p', page, index }))
  }

  workerAt({ page, index }: WorkerPlace): PlacedWorker | null {
    const machine = page * PAGE_WORKERS + index
    if (machine >= this.#workers) return null
    return {
      workerId: `worker-${machine}`,
      bornOffset: 0,
      commissionedAtMs: BEGIN_MS,
      retiredAtMs: Number.POSITIVE_INFINITY,
      freedAtMs: Number.POSITIVE_INFINITY,
      intervalS: INTERVAL_S,
      spreadS: (machine * 7) % 240,
    }
  }

  groupAt({ page }: WorkerPlace): number {
    return page % 4
  }

  groupOf(group: number) {
    return { algorithm: 'SHA-256', locationId: 'l', containerId: `hall-${group}` }
  }

  contextAt(): InventoryContext {
    return CONTEXT
  }

  nodeAt({ page, index }: WorkerPlace): string {
    return `p/l/${nodeOf(page * PAGE_WORKERS + index)}`
  }

  named({ serial }: Claim): Named {
    const place = serial === null ? undefined : this.#places.get(serial)
    return place === undefined ? { by: 'none' } : { by: 'one', place }
  }

  label({ nowMs }: Claim, { index }: WorkerPlace, { heldMs }: Columns<typeof LEASE>) {
    heldMs[index] = nowMs
    return 'holder' as const
  }

  conflicted(): void {}
}

/** Rounds of samples of all workers, and the ticks of a gateway. The first record makes the workers. */
export function workersInput(workers: number, rounds: number): LogRecord[] {
  const input = [inputRecord(0, BEGIN_MS, tickCodec.encode({ written_by: 'gateway' }))]
  for (let round = 0; round < rounds; round++) {
    const roundMs = BEGIN_MS + (round + 1) * INTERVAL_S * SECOND_MS
    input.push(inputRecord(input.length, roundMs, tickCodec.encode({ written_by: 'gateway' })))
    for (let from = 0; from < workers; from += NODE_MACHINES) {
      const count = Math.min(NODE_MACHINES, workers - from)
      const items = Array.from({ length: count }, (_, n) => itemOf(from + n, round, roundMs))
      const sent = batch(items, { node_id: nodeOf(from), first_seq: 1 + round * NODE_MACHINES })
      input.push(fleetRecord(input.length, roundMs + Math.floor(from / NODE_MACHINES), { batch: sent }))
    }
  }
  return input
}

/** Rates and temperatures of machines differ, and move. */
function itemOf(machine: number, round: number, roundMs: number) {
  const swing = ((machine * 31 + round * 17) % 100) / 1_000
  const now = Math.round(RATE_HS * (0.95 + swing))
  return item({
    sample: sample(roundMs - 1_000 - (machine % 997), {
      serial: serialOf(machine),
      algorithm: 'SHA-256',
      hashrate_hs: { ...sample(0).hashrate_hs, now, _5m: now, avg: RATE_HS },
      power_w: 3_400 + swing * 1_000,
      power_source: 'miner',
      temp_c: { ...sample(0).temp_c, chip_max: 60 + swing * 100, board_max: 55, inlet: 24.5 },
      uptime_s: 864_000 + round * INTERVAL_S,
      fans: [0, 1, 2, 3].map((index) => ({ index, rpm: 5_000 + (machine % 300), pct: null })),
      boards_online: 3,
      boards_expected: 3,
      chips_online: 330,
      chips_expected: 330,
      shares: { accepted: 100_000 + round * 10, rejected: 40, stale: 7, invalid: null },
      hw_error_ratio: 0.0001,
      mode: 'normal',
      is_mining: true,
    }),
  })
}
