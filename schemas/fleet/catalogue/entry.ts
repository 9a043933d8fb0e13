import type { Algorithm } from '../inventory/algorithms.ts'

/** A model that can be bought, as its maker specifies it. What is not specified, or differs from batch to batch, is null. */
export interface CatalogueEntry {
  readonly make: string
  readonly model: string
  /** Names by which machines call themselves, besides `model`. */
  readonly aliases: readonly string[]
  /** Null: cards of a host that works at whatever it is given. */
  readonly algorithm: Algorithm | null
  readonly nominal_hashrate_hs: number | null
  /** Of the whole machine at the wall; of a card its own limit. */
  readonly nominal_power_w: number
  readonly boards: number | null
  readonly chips_per_board: number | null
  readonly fans: number | null
  /** The unit that its rates have where its answers label them with another one. */
  readonly label_unit: string | null
  /** Where the numbers are from. */
  readonly source: string
}

/** What differs from machine to machine of one maker and algorithm: name, rate, watts, and how it is built if known. */
export type CatalogueRow = readonly [
  model: string,
  rate: number | null,
  watts: number,
  built?: Partial<Pick<CatalogueEntry, 'aliases' | 'boards' | 'chips_per_board' | 'fans' | 'label_unit'>>,
]

/** The entries of one maker and algorithm; rates are given in `unit` H/s. */
export function entriesOf(
  make: string,
  algorithm: Algorithm | null,
  unit: number,
  rows: readonly CatalogueRow[],
): readonly CatalogueEntry[] {
  return rows.map(([model, rate, nominal_power_w, built = {}]) => ({
    make,
    model,
    aliases: [],
    algorithm,
    nominal_hashrate_hs: rate === null ? null : Math.round(rate * unit),
    nominal_power_w,
    boards: null,
    chips_per_board: null,
    fans: null,
    label_unit: null,
    ...built,
    source: `${make}: specification of the ${model}`,
  }))
}
