/** Columns of fleet_5m and fleet_1m that are added up from slots and compared; counters of shares are not. */
const SECOND_KINDS = ['hashing', 'idle', 'resting', 'unreachable', 'unheard', 'unreadable'] as const
export type SecondKind = (typeof SECOND_KINDS)[number]
export const SOURCES = ['miner_psu', 'miner', 'miner_estimate', 'gpu_sum', 'nameplate'] as const
export type Source = (typeof SOURCES)[number]
export const SENSORS = ['chip', 'board', 'inlet'] as const
export type Sensor = (typeof SENSORS)[number]

export const ADDED = [
  ...SECOND_KINDS.map((kind) => `${kind}_s`),
  'bridged_s',
  'commissioned_s',
  'hashes',
  ...SOURCES.flatMap((source) => [`${source}_j`, `${source}_s`]),
  'billed_reading_j',
  ...SENSORS.flatMap((sensor) => [`${sensor}_slots`, `${sensor}_sum_dc`]),
] as const

/** What some slots come to. */
export class Sums {
  readonly added = new Map<string, bigint>()
  readonly least = new Map<Sensor, number>()
  readonly most = new Map<Sensor, number>()

  add(column: string, amount: bigint | number): void {
    this.added.set(column, (this.added.get(column) ?? 0n) + BigInt(amount))
  }

  see(sensor: Sensor, tenths: number): void {
    this.add(`${sensor}_slots`, 1)
    this.add(`${sensor}_sum_dc`, tenths)
    this.least.set(sensor, Math.min(tenths, this.least.get(sensor) ?? tenths))
    this.most.set(sensor, Math.max(tenths, this.most.get(sensor) ?? tenths))
  }

  take(other: Sums): void {
    for (const [column, amount] of other.added) this.add(column, amount)
    for (const sensor of SENSORS) {
      const [least, most] = [other.least.get(sensor), other.most.get(sensor)]
      if (least !== undefined) this.least.set(sensor, Math.min(least, this.least.get(sensor) ?? least))
      if (most !== undefined) this.most.set(sensor, Math.max(most, this.most.get(sensor) ?? most))
    }
  }

  /** By column, as a query of the table gives it. */
  row(): Record<string, string | null> {
    const row: Record<string, string | null> = {}
    for (const column of ADDED) row[column] = String(this.added.get(column) ?? 0n)
    for (const sensor of SENSORS) {
      row[`${sensor}_min_dc`] = textOf(this.least.get(sensor))
      row[`${sensor}_max_dc`] = textOf(this.most.get(sensor))
    }
    return row
  }
}

function textOf(value: number | undefined): string | null {
  return value === undefined ? null : String(value)
}
