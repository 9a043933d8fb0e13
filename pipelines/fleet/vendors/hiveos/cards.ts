import type { GpuReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'
import type { Miner, Work } from './miners.ts'
import type { Sensors } from './sensors.ts'

/** A card as a miner shows it. */
interface MinedCard {
  /** Null where the miner gives no numbers of buses. */
  readonly bus: number | null
  /** Under the machine's algorithm. */
  readonly rateHs: number | null
  readonly temp: Place
  readonly fan: Place
}

/** The cards that the miners work on, in the order of their buses, each once. Rates are those of these works alone. */
export function minedCards(miners: readonly Miner[], main: ReadonlySet<Work>): MinedCard[] {
  const all = miners.flatMap((miner) => cardsOf(miner, main))
  const byBus = new Map<number | MinedCard, MinedCard>()
  for (const card of all) {
    const key = card.bus ?? card
    const other = byBus.get(key)
    byBus.set(key, other === undefined ? card : { ...other, rateHs: sumOfKnown(other.rateHs, card.rateHs) })
  }
  return [...byBus.values()].toSorted((left, right) => (left.bus ?? 0) - (right.bus ?? 0))
}

/**
 * A miner on processors has rates of threads and no buses. One that gives no buses at all works on cards where it shows a fan
 * for each of its rates.
 */
function cardsOf({ stats, works }: Miner, main: ReadonlySet<Work>): MinedCard[] {
  const buses = stats.at('bus_numbers')
  const rates = works.find((work) => main.has(work))?.ratesHs ?? []
  const card = (at: number): MinedCard => ({
    bus: buses.at(at).count(),
    rateHs: rates[at] ?? null,
    temp: stats.at('temp', at),
    fan: stats.at('fan', at),
  })
  if (buses.items().length > 0) {
    const cards = buses.items().map((_, at) => card(at))
    return cards.filter(({ bus }) => bus !== null)
  }
  const shown = stats.at('hs').items().length
  return shown > 0 && stats.at('fan').items().length === shown
    ? Array.from({ length: shown }, (_, at) => card(at))
    : []
}

function sumOfKnown(left: number | null, right: number | null): number | null {
  return left === null ? right : left + (right ?? 0)
}

/** Each card with what the system's sensors say of it, and the miner's where they say nothing. */
export function cardReadings(cards: readonly MinedCard[], sensors: Sensors): GpuReading[] {
  if (cards.length === 0) return sensors.isAligned ? bareCards(sensors) : []
  return cards.map(({ bus, rateHs, temp, fan }, at) => {
    const own = sensors.isAligned ? sensors : null
    return {
      bus,
      hashrate_hs: rateHs,
      temp_c: own?.temp[at]?.sensorC() ?? temp.sensorC(),
      fan_pct: own?.fan[at]?.percent() ?? fan.percent(),
      power_w: wattsOf(own?.power[at], rateHs),
    }
  })
}

/** Cards while no miner runs. */
function bareCards({ temp, fan, power }: Sensors): GpuReading[] {
  const count = Math.max(temp.length, fan.length, power.length)
  return Array.from({ length: count }, (_, at) => ({
    temp_c: temp[at]?.sensorC() ?? null,
    fan_pct: fan[at]?.percent() ?? null,
    power_w: wattsOf(power[at], null),
  }))
}

/** The agent writes 0 where a card cannot measure its power. One that hashes does not draw 0 W. */
function wattsOf(power: Place | undefined, rateHs: number | null): number | null {
  return power?.powerW({ zeroIsNone: (rateHs ?? 0) > 0 }) ?? null
}

/** How many cards work; null where one says nothing that could tell. A card without temperature and rate has hung. */
export function cardsOnline(gpus: readonly GpuReading[]): number | null {
  const online = gpus.map(({ temp_c: temp, hashrate_hs: rate }) => {
    if ((temp ?? null) !== null || (rate ?? 0) > 0) return true
    return rate === 0 ? false : null
  })
  return online.includes(null) ? null : online.filter((is) => is).length
}
