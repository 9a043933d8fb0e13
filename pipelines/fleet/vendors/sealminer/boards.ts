import type { BoardReading, FanReading } from '../../reading.ts'
import { largest } from '../../sums.ts'
import { MEGA } from '../../../../schemas/units.ts'
import type { Place } from '../reading/place.ts'

/** Numbers from 0 that stand before the keys: `2 Freq`. No model has as many boards or fans. */
const NUMBERED_PARTS_MAX = 16
const SENSORS_PER_BOARD_MAX = 8

/** The keys that only a board has. Those of fans begin with numbers as well, and there are more fans than boards. */
const BOARD_KEYS = ['Online', 'SN', 'Chip Count', 'MHS(Sample)'] as const

const numbers = Array.from({ length: NUMBERED_PARTS_MAX }, (_, number) => number)

export function readBoards(stats: Place): BoardReading[] | null {
  const slots = numbers.filter((slot) => BOARD_KEYS.some((key) => stats.at(`${slot} ${key}`).isGiven))
  return slots.length === 0 ? null : slots.map((slot) => boardOf(stats, slot))
}

function boardOf(stats: Place, slot: number): BoardReading {
  const of = (key: string): Place => stats.at(`${slot} ${key}`)
  const isOnline = of('Online').flag()
  const chips = goodChips(of('Chip Count').count(), of('Bad Chip Count').count())
  const sensors = Array.from({ length: SENSORS_PER_BOARD_MAX }, (_, at) => of(`Temp ${at}`).sensorC())
  return {
    slot,
    present: isOnline ?? (chips === null ? null : chips > 0),
    // A board that is not online may be lost or switched off: the machine does not tell them apart.
    enabled: isOnline === true ? true : null,
    serial: of('SN').identity(),
    hashrate_hs: of('MHS(Sample)').rateHs(MEGA),
    nominal_hs: of('MHS(Ideal)').nominalHs(MEGA),
    temp_board_c: largest(sensors),
    chips,
    freq_mhz: of('Freq').frequencyMhz({ zeroIsNone: true }),
  }
}

/** The count has the bad chips in it. */
function goodChips(all: number | null, bad: number | null): number | null {
  return all === null ? null : Math.max(0, all - (bad ?? 0))
}

/** As many as the machine says that it has; the keys alone may go further. */
export function readFans(stats: Place): FanReading[] | null {
  const count = stats.at('Fan Count').count()
  const listed = numbers.filter((index) => stats.at(`${index} Speed`).isGiven)
  if (listed.length === 0) return count === 0 ? [] : null
  const fans = count === null ? listed : listed.filter((index) => index < count)
  return fans.map((index) => ({ index, rpm: stats.at(`${index} Speed`).fanRpm() }))
}
