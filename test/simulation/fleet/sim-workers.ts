import { SCHEMA_ID, schemaIdOf } from '../../../schemas/avro.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import type {
  Claim,
  FleetInventory,
  IdentityRule,
  InventoryContext,
  Named,
  PlacedWorker,
  ProviderInventory,
  ProviderPlace,
  WorkerPlace,
} from '../../../pipelines/fleet/pages/inventory.ts'
import type { Columns } from '../../../pipelines/fleet/pages/layout.ts'
import { NOT_COMMISSIONED } from '../../../pipelines/fleet/slots/placement.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { QUICK } from '../../support/fleet/live/drive.ts'
import { ORDINARY } from '../../support/fleet/live/worker.ts'

/** Machines of each provider that are workers; the others stay unknown. */
const WORKERS = 3
const EDGE_MS = 5 * MINUTE_MS
const CONTEXT: InventoryContext = { ...ORDINARY, thresholds: QUICK, nameplateW: 3_400 }

const LEASE = { items: 'u32' } as const

interface Birth {
  readonly offset: number
  readonly atMs: number
}

/** The workers of one partition: those of a provider are there from the first batch on that its log has. */
export class SimWorkers implements FleetInventory, IdentityRule<typeof LEASE> {
  readonly fields = LEASE
  readonly #providerId: string
  readonly #records: () => readonly LogRecord[]
  readonly #births = new Map<string, Birth>()

  /** `records`: what the partition of fleet.inbox has, committed. Only this provider has workers. */
  constructor(providerId: string, records: () => readonly LogRecord[]) {
    this.#providerId = providerId
    this.#records = records
  }

  of(providerId: string): ProviderInventory | null {
    return providerId === this.#providerId
      ? new SimProvider(providerId, () => this.#birthOf(providerId))
      : null
  }

  changedBy(offset: number): ProviderPlace[] {
    const record = this.#records().find((one) => Number(one.offset) === offset)
    const providerId = record?.key?.toString() ?? ''
    if (this.#birthOf(providerId)?.offset !== offset) return []
    return Array.from({ length: WORKERS }, (_, index) => ({ providerId, ...placeOf(index) }))
  }

  named({ providerId, serial, offset }: Claim): Named {
    const birth = this.#birthOf(providerId)
    const machine = Number(serial?.split('-')[1] ?? WORKERS)
    if (birth === null || birth.offset > offset || machine >= WORKERS) return { by: 'none' }
    return { by: 'one', place: placeOf(machine) }
  }

  label(_: Claim, { index }: WorkerPlace, { items }: Columns<typeof LEASE>) {
    items[index] = (items[index] ?? 0) + 1
    return 'holder' as const
  }

  conflicted(): void {}

  #birthOf(providerId: string): Birth | null {
    const known = this.#births.get(providerId)
    if (providerId !== this.#providerId) return null
    if (known !== undefined) return known
    const first = this.#records().find(
      ({ key, value }) => key?.toString() === providerId && schemaIdOf(value) === SCHEMA_ID.workerTelemetry,
    )
    if (first === undefined) return null
    const birth = { offset: Number(first.offset), atMs: first.timestampMs }
    this.#births.set(providerId, birth)
    return birth
  }
}

/** Machines stand on pages of their own. */
function placeOf(machine: number): WorkerPlace {
  return { page: machine % 2, index: machine }
}

class SimProvider implements ProviderInventory {
  readonly #providerId: string
  readonly #birth: () => Birth | null

  constructor(providerId: string, birth: () => Birth | null) {
    this.#providerId = providerId
    this.#birth = birth
  }

  workerAt({ page, index }: WorkerPlace, knownTo: number): PlacedWorker | null {
    const birth = this.#birth()
    if (birth === null || birth.offset > knownTo || index >= WORKERS || index % 2 !== page) return null
    return {
      workerId: `${this.#providerId}/${index}`,
      bornOffset: birth.offset,
      commissionedAtMs: Math.floor(birth.atMs / EDGE_MS) * EDGE_MS,
      retiredAtMs: Number.POSITIVE_INFINITY,
      freedAtMs: Number.POSITIVE_INFINITY,
      intervalS: 30,
      spreadS: index,
    }
  }

  groupAt(place: WorkerPlace, atMs: number, knownTo: number): number {
    const worker = this.workerAt(place, knownTo)
    return worker !== null && worker.commissionedAtMs <= atMs ? place.page : NOT_COMMISSIONED
  }

  groupOf(group: number) {
    return { algorithm: 'SHA-256', locationId: 'site', containerId: `hall-${group}` }
  }

  contextAt(): InventoryContext {
    return CONTEXT
  }

  nodeAt({ index }: WorkerPlace): string {
    return `${this.#providerId}/site/agent-${index % 2}`
  }
}
